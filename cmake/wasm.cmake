# Tool chain file: WebAssembly by clang, wasm-ld and wasi-libc.  Compilation and linking are two
# steps and linking gets no -O, so that the driver never runs a wasm-opt that happens to be there.
set(CMAKE_SYSTEM_NAME WASI)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
# CMake 3.25 knows no platform of this name, and needs none.
set(CMAKE_MODULE_PATH ${CMAKE_MODULE_PATH} ${CMAKE_CURRENT_LIST_DIR}/wasm)

find_program(ASH_WASM_CLANG NAMES clang-19 clang-20 clang-21 clang-18 clang REQUIRED)
find_program(ASH_WASM_AR NAMES llvm-ar-19 llvm-ar-20 llvm-ar-21 llvm-ar-18 llvm-ar REQUIRED)
set(CMAKE_C_COMPILER ${ASH_WASM_CLANG})
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_ASM_COMPILER ${ASH_WASM_CLANG})
set(CMAKE_ASM_COMPILER_TARGET wasm32-wasi)
set(CMAKE_AR ${ASH_WASM_AR})
set(CMAKE_C_FLAGS_RELEASE_INIT "-DNDEBUG")
set(CMAKE_EXECUTABLE_SUFFIX .wasm)
set(CMAKE_EXECUTABLE_SUFFIX_C .wasm)
