# make            installs what is missing and builds build/ashore, the library and build/js
# make demo       ... and reads the text in a photographed page, natively and in WebAssembly
# make test       ... and runs every test
# make test-full  the whole matrix: compilers, sanitizers, instruction sets, fuzzing
# make bench      measures against other engines: docs/performance.md; BENCH='--quick --only ocr'
# make bench-python  models in Python in pages: docs/python.md; BENCH='--record', BENCH='--parts runs'
# make install    PREFIX=/usr/local DESTDIR=
# make format     clang-format over the sources
# make clean      removes what was built; make distclean what was installed in build/, too
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
CMAKE_FLAGS ?=
BENCH ?=

.PHONY: all native wasm demo test test-full bench bench-python install format clean distclean setup

all: native wasm

setup:
	@scripts/setup demo

native: setup
	@cmake -S . -B build -G Ninja -DCMAKE_INSTALL_PREFIX="$(PREFIX)" $(CMAKE_FLAGS) >build/cmake.log \
		|| { cat build/cmake.log; exit 1; }
	@cmake --build build -j$(JOBS)

wasm: setup
	@ASH_JOBS=$(JOBS) scripts/build_wasm

demo:
	@scripts/demo

test:
	@scripts/test

test-full:
	@scripts/test --full

bench:
	@scripts/setup test
	@$(MAKE) --no-print-directory all
	@bench/setup
	@build/venv/bin/python -B bench/bench.py $(BENCH)

bench-python:
	@scripts/setup test
	@$(MAKE) --no-print-directory all
	@build/venv/bin/python -B bench/python_bench.py $(BENCH)

install: all
	@cmake --install build --prefix "$(PREFIX)"

format:
	@git ls-files '*.c' '*.h' | xargs clang-format-19 -i

clean:
	@find build -mindepth 1 -maxdepth 1 ! -name npm ! -name venv ! -name node -exec rm -rf {} + \
		2>/dev/null || true

distclean:
	@rm -rf build
