/* A shared library that a module for Pyodide needs. */
__attribute__((visibility("default"))) int egg_weight(int count) {
    static const int each[] = {53, 63};
    return count * each[count & 1];
}
