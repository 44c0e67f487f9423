"""The viewer: a document beside the chat, at the page or the words that were quoted from it."""
