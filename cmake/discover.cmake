# What the build finds by itself: kernel families, their rows, and operator families.
#
# A variant names what is built: native_x86_64, native_aarch64, native_other, wasm_scalar,
# wasm_simd128, wasm_relaxed.  A file's suffix is its ISA, and chooses flags and processor bits:
#   fam_avx2.c   hand-written rows for one ISA, in place of those of fam_vec.c: exports
#                ash_fam_avx2[]
#   fam_vec.c    written over base/vec.h, compiled once per vector ISA with ASH_VEC_ISA and
#                ASH_VEC_CPU defined: exports ASH_VEC_ROWS(fam)[], which is ash_fam_vec_avx2[]
#   fam_wasm.c   in the place of fam_vec.c for the vector ISAs of WebAssembly, with the same
#                definitions, and with the assembly that fam_wasm.py writes: fam_wasm.py ISA FILE
#   fam_ref.c    reference rows: ash_fam_ref[]
#   fam_check.c  for the checker alone: void check_fam(void)
#   the rest     compiled once, with no flags
# GEN/fam_list.inc then holds a line KERNELS(isa) per table, best first.

# ISA | variants of hand-written files | variants of fam_vec.c | flags | processor bits.  Best first.
set(ASH_ISA_TABLE
    "amx|native_x86_64|-|-mavx512f,-mavx512bw,-mavx512vl,-mavx512dq,-mavx512vnni,-mfma,-mamx-tile,-mamx-int8|ASH_CPU_AMX"
    "vnni|native_x86_64|-|-mavx512f,-mavx512bw,-mavx512vl,-mavx512dq,-mavx512vnni,-mfma|ASH_CPU_VNNI"
    "avxvnni|native_x86_64|-|-mavx2,-mfma,-mf16c,-mavxvnni|ASH_CPU_AVXVNNI"
    "avx512|native_x86_64|native_x86_64|-mavx512f,-mavx512bw,-mavx512vl,-mavx512dq,-mavx2,-mfma,-mf16c|ASH_CPU_AVX512"
    "avx2|native_x86_64|native_x86_64|-mavx2,-mfma,-mf16c|ASH_CPU_AVX2"
    "neon|native_aarch64|native_aarch64||ASH_CPU_NEON"
    "relaxed|wasm_relaxed|wasm_relaxed|-msimd128,-mrelaxed-simd|ASH_CPU_RELAXED"
    "simd128|wasm_simd128,wasm_relaxed|wasm_simd128|-msimd128|ASH_CPU_SIMD128"
    "sse2|native_x86_64|native_x86_64||0"
    "scalar|wasm_scalar,native_other|wasm_scalar,native_other||0")

# The variant of a native build.
function(ash_native_variant out)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
        set(${out} native_x86_64 PARENT_SCOPE)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
        set(${out} native_aarch64 PARENT_SCOPE)
    else()
        set(${out} native_other PARENT_SCOPE)
    endif()
endfunction()

# Writes only what has changed, so that nothing is rebuilt for nothing.
function(ash_write_if_changed file content)
    set(old "")
    if(EXISTS ${file})
        file(READ ${file} old)
    endif()
    if(NOT EXISTS ${file} OR NOT old STREQUAL content)
        file(WRITE ${file} "${content}")
    endif()
endfunction()

# ash_wasm_assembly(OUT SCRIPT ISA GEN_DIR): the assembly that a script writes for an ISA.
function(ash_wasm_assembly out script isa gen)
    get_filename_component(stem ${script} NAME_WE)
    set(assembly ${gen}/${stem}_${isa}.s)
    add_custom_command(OUTPUT ${assembly} DEPENDS ${script} ${ASH_ROOT}/src/kernels/wasm_asm.py
        COMMAND Python3::Interpreter -B ${script} ${isa} ${assembly} VERBATIM)
    set_source_files_properties(${assembly} PROPERTIES
        COMPILE_OPTIONS -Wno-unused-command-line-argument)
    set(${out} ${assembly} PARENT_SCOPE)
endfunction()

# ash_kernel_units(OUT VARIANT GEN_DIR [REF]): compilation units of all kernel families, as a list
# of "source|isa|flags|definitions" with commas inside the last two; isa is `plain` where there are
# no flags.  Writes GEN_DIR/fam_list.inc.  Reference rows are left out of WebAssembly variants, which
# are counted in bytes, unless REF is given or a family has no other row.
function(ash_kernel_units out variant gen)
    set(units "")
    set(with_ref OFF)
    if("REF" IN_LIST ARGN OR variant MATCHES "^native")
        set(with_ref ON)
    endif()
    set(isas "")
    foreach(row IN LISTS ASH_ISA_TABLE)
        string(REGEX REPLACE "\\|.*" "" isa "${row}")
        list(APPEND isas ${isa})
    endforeach()
    string(REPLACE ";" "|" isa_regex "${isas}")

    file(GLOB plain CONFIGURE_DEPENDS ${ASH_ROOT}/src/kernels/*.c ${ASH_ROOT}/src/kernels/*/*.c)
    foreach(f IN LISTS plain)
        if(NOT f MATCHES "_(${isa_regex}|vec|wasm|ref|check)\\.c$")
            list(APPEND units "${f}|plain||")
        endif()
    endforeach()

    file(GLOB dirs CONFIGURE_DEPENDS LIST_DIRECTORIES true ${ASH_ROOT}/src/kernels/*)
    foreach(dir IN LISTS dirs)
        if(NOT IS_DIRECTORY ${dir})
            continue()
        endif()
        get_filename_component(fam ${dir} NAME)
        set(inc "")
        foreach(row IN LISTS ASH_ISA_TABLE)
            string(REPLACE "|" ";" col "${row}")
            list(GET col 0 isa)
            list(GET col 1 hand)
            list(GET col 2 vec)
            list(GET col 3 flags)
            list(GET col 4 cpu)
            string(REPLACE "," ";" hand "${hand}")
            string(REPLACE "," ";" vec "${vec}")
            if(variant IN_LIST hand AND EXISTS ${dir}/${fam}_${isa}.c)
                list(APPEND units "${dir}/${fam}_${isa}.c|${isa}|${flags}|")
                string(APPEND inc "KERNELS(${isa})\n")
            elseif(variant IN_LIST vec AND EXISTS ${dir}/${fam}_vec.c)
                set(source ${dir}/${fam}_vec.c)
                if(isa MATCHES "^(relaxed|simd128)$" AND EXISTS ${dir}/${fam}_wasm.c)
                    set(source ${dir}/${fam}_wasm.c)
                    ash_wasm_assembly(assembly ${dir}/${fam}_wasm.py ${isa} ${gen})
                    list(APPEND units "${assembly}|${isa}|${flags}|")
                endif()
                list(APPEND units "${source}|${isa}|${flags}|ASH_VEC_ISA=${isa},ASH_VEC_CPU=${cpu}")
                string(APPEND inc "KERNELS(vec_${isa})\n")
            endif()
        endforeach()
        if(EXISTS ${dir}/${fam}_ref.c AND (with_ref OR inc STREQUAL ""))
            list(APPEND units "${dir}/${fam}_ref.c|plain||")
            string(APPEND inc "KERNELS(ref)\n")
        endif()
        ash_write_if_changed(${gen}/${fam}_list.inc "${inc}")
    endforeach()
    set(${out} "${units}" PARENT_SCOPE)
endfunction()

# ash_check_sources(OUT GEN_DIR): every fam_check.c; writes GEN_DIR/check_list.inc, CHECK(fam) lines.
function(ash_check_sources out gen)
    file(GLOB files CONFIGURE_DEPENDS ${ASH_ROOT}/src/kernels/*/*_check.c)
    set(inc "")
    foreach(f IN LISTS files)
        get_filename_component(stem ${f} NAME_WE)
        string(REGEX REPLACE "_check$" "" stem "${stem}")
        string(APPEND inc "CHECK(${stem})\n")
    endforeach()
    ash_write_if_changed(${gen}/check_list.inc "${inc}")
    set(${out} "${files}" PARENT_SCOPE)
endfunction()

# ash_op_sources(OUT GEN_DIR [STEM...]): operator families, all or those named, and what they share.
# Writes GEN_DIR/ops_list.inc: a line OPS(stem) for each file of src/ops that defines a table.
function(ash_op_sources out gen)
    file(GLOB files CONFIGURE_DEPENDS ${ASH_ROOT}/src/ops/*.c)
    set(kept "")
    set(inc "")
    foreach(f IN LISTS files)
        get_filename_component(stem ${f} NAME_WE)
        file(STRINGS ${f} table REGEX "^const struct ash_op ash_ops_" LIMIT_COUNT 1)
        if(table STREQUAL "")
            list(APPEND kept ${f})
        elseif(NOT ARGN OR stem IN_LIST ARGN)
            list(APPEND kept ${f})
            string(APPEND inc "OPS(${stem})\n")
        endif()
    endforeach()
    ash_write_if_changed(${gen}/ops_list.inc "${inc}")
    set(${out} "${kept}" PARENT_SCOPE)
endfunction()

# ash_add_units(TARGET UNIT...): compiles units into TARGET by one object library per ISA, with the
# include folders and options of the interface target ash_build.
function(ash_add_units target)
    set(isas "")
    foreach(unit IN LISTS ARGN)
        string(REPLACE "|" ";" col "${unit}")
        list(GET col 0 source)
        list(GET col 1 isa)
        list(GET col 2 flags)
        list(GET col 3 defs)
        list(APPEND isas ${isa})
        list(APPEND sources_${isa} ${source})
        # A hand-written file comes without definitions, fam_vec.c with them: one object library
        # may see them all.
        if(NOT defs STREQUAL "")
            string(REPLACE "," ";" defs_${isa} "${defs}")
        endif()
        string(REPLACE "," ";" flags_${isa} "${flags}")
    endforeach()
    list(REMOVE_DUPLICATES isas)
    foreach(isa IN LISTS isas)
        set(lib ${target}_${isa})
        add_library(${lib} OBJECT ${sources_${isa}})
        target_link_libraries(${lib} PRIVATE ash_build)
        target_compile_options(${lib} PRIVATE ${flags_${isa}})
        target_compile_definitions(${lib} PRIVATE ${defs_${isa}})
        set_target_properties(${lib} PROPERTIES POSITION_INDEPENDENT_CODE ON)
        target_sources(${target} PRIVATE $<TARGET_OBJECTS:${lib}>)
    endforeach()
endfunction()
