/* Prepared files: graphs as they are after the rewrites, with the internal operators, which go with
 * an engine that was trimmed to one of them.  Any other engine takes them for what they are
 * elsewhere: files with operators of an unknown domain.
 *
 * Trimming takes the seal's byte away (tools/trimmer.mjs), which is why it is read from memory, and
 * of a file that no compiler sees through. */
#include "onnx/prepared.h"
#include "ir/op.h"
#include "onnx/onnx_reader.h"

ASH_IDLE_WITHOUT(ash_reader_check, "+prepared");
ASH_IDLE_WITHOUT(ash_reader_prepared, "+prepared");

int ash_reader_check(struct ash_reader *r, const struct ash_node_proto *p) {
    bool fits = ash_prepared_seal || (p->version > 0 && p->version <= ASH_OPSET_NEWEST);
    ASH_FAIL_IF(!fits, r->err, UNSUPPORTED, "the engine is trimmed to another model");
    return ASHORE_OK;
}

int ash_reader_prepared(struct ash_reader *r, const struct ash_node_proto *p,
                        struct ash_node *head) {
    if (ash_prepared_seal) return ASHORE_OK;
    head->opset = (int32_t)p->version;
    return p->label.size ? ash_reader_text(r, p->label, &head->label) : ASHORE_OK;
}
