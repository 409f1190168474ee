/* A module for Pyodide's Python: the few declarations of Python.h that it takes. */
typedef int Py_ssize_t;
struct object;
struct method {
    const char *name;
    struct object *(*call)(struct object *, struct object *);
    int flags;
    const char *doc;
};
struct definition { /* PyModuleDef where addresses have 32 bits */
    Py_ssize_t references;
    void *type, *init;
    Py_ssize_t index;
    void *copy;
    const char *name, *doc;
    Py_ssize_t size;
    struct method *methods;
    void *slots, *traverse, *clear, *free;
};
extern struct object *PyModuleDef_Init(struct definition *definition);
extern struct object *PyLong_FromLong(long value);
extern long PyLong_AsLong(struct object *object);
extern int egg_weight(int count);
#ifdef WITH_JAVASCRIPT /* as EM_JS writes it */
__attribute__((import_module("env"), import_name("egg_price"))) int egg_price(int count);
__attribute__((used, visibility("default"))) const char __em_js__egg_price[] =
    "(int count)<::>{ return 30 * count; }";
#else
#    define egg_price(count) 0
#endif

static struct object *weigh(struct object *self, struct object *count) {
    (void)self;
    int eggs = (int)PyLong_AsLong(count);
    return PyLong_FromLong(egg_weight(eggs) + egg_price(eggs));
}

static struct method methods[] = {{"weigh", weigh, 8, "grams of so many eggs"}, {0, 0, 0, 0}};
static struct definition definition = {.references = 1, .name = MODULE, .methods = methods};

__attribute__((visibility("default"))) struct object *INIT(void) {
    return PyModuleDef_Init(&definition);
}
