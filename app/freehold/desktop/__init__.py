"""The Qt window: pages and widgets. The only room that imports PySide6."""
