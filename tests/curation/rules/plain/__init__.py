"""The rules over Python strings, as their sources state them: what the kernels are held to, text by text."""
