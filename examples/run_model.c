/* Loads a model, says what it takes and gives, runs it on zeros and prints the time of each step.
 *
 *     cc run_model.c -lashore -lm -pthread -o run_model && ./run_model model.onnx */
#include <ashore/ashore.h>
#include <stdio.h>

enum { MAX_VALUES = 16 };

static int run(ashore_model *model, ashore_session *session, struct ashore_error *err) {
    const char *in_names[MAX_VALUES], *out_names[MAX_VALUES];
    ashore_value *in[MAX_VALUES] = {NULL}, *out[MAX_VALUES] = {NULL};
    size_t n_in = ashore_model_input_count(model), n_out = ashore_model_output_count(model);
    int rc = n_in > MAX_VALUES || n_out > MAX_VALUES ? ASHORE_ERR_LIMIT : ASHORE_OK;
    for (size_t i = 0; i < n_in && rc == ASHORE_OK; i++) {
        const struct ashore_value_info *info = ashore_model_input(model, i);
        int64_t shape[ASHORE_MAX_RANK];
        for (int k = 0; k < info->rank; k++) { /* an unknown extent: 1 */
            shape[k] = info->shape[k].extent < 0 ? 1 : info->shape[k].extent;
        }
        printf("input %s: %s\n", info->name, info->type_text);
        in_names[i] = info->name;
        rc = ashore_tensor_create(info->dtype, info->rank, shape, &in[i], err);
    }
    for (size_t i = 0; i < n_out && rc == ASHORE_OK; i++) {
        out_names[i] = ashore_model_output(model, i)->name;
    }
    if (rc == ASHORE_OK) {
        rc = ashore_session_run(session, n_in, in_names, in, n_out, out_names, out, err);
    }
    for (size_t i = 0; i < n_out && rc == ASHORE_OK; i++) {
        printf("output %s: %zu elements of %s\n", out_names[i], ashore_value_elements(out[i]),
               ashore_dtype_name(ashore_value_dtype(out[i])));
    }
    for (size_t i = 0; i < MAX_VALUES; i++) {
        ashore_value_release(&in[i]);
        ashore_value_release(&out[i]);
    }
    return rc;
}

int main(int argc, char **argv) {
    struct ashore_error err = {0};
    struct ashore_session_options options;
    struct ashore_step_info step;
    ashore_model *model = NULL;
    ashore_session *session = NULL;
    ashore_session_options_init(&options);
    options.profile = 1;
    int rc = ashore_model_load_file(argc > 1 ? argv[1] : "model.onnx", NULL, &model, &err);
    if (rc == ASHORE_OK) rc = ashore_session_create(model, &options, &session, &err);
    if (rc == ASHORE_OK) rc = run(model, session, &err);
    for (size_t i = 0; rc == ASHORE_OK && ashore_session_step(session, i, &step) == 0; i++) {
        printf("%8.3f ms  %s %s\n", step.seconds * 1e3, step.op, step.node);
    }
    if (rc) fprintf(stderr, "%s\n", err.text[0] ? err.text : ashore_status_text(rc));
    ashore_session_destroy(&session);
    ashore_model_destroy(&model);
    return rc ? 1 : 0;
}
