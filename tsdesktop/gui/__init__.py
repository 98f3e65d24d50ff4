"""The window, on PySide6: shows the session, starts runs, exports. It calls the pipeline and never imports torch."""
