"""What was measured of parts of a corpus, kept on disk, so that unchanged files are not measured again."""
