"""References: papers named by laws and cards, merged, and written as BibTeX. Nothing is added to what they say."""
