"""The transcript: a chat as it is read, virtualised so that ten thousand turns open and scroll like ten."""
