# WebAssembly System Interface: static libraries and executables only.
set(WASI 1)
