"""Results from elsewhere: what has to be predicted, the file they come in, its checks, and its score here."""
