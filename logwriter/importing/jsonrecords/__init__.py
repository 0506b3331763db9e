"""Records of JSON: found in a stream, their keys understood, made rows."""
