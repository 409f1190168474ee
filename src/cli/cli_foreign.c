#include "cli_foreign.h"
#include "cli_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 1 << 16, TAIL = 1 << 16 }; /* bytes looked at */

/* The two ends of a file. */
struct ends {
    const unsigned char *head, *tail;
    size_t head_size, tail_size;
};

/* How content shows a format. */
enum trait {
    TRAIT_NAME,    /* it does not: by the name's suffix */
    TRAIT_MAGIC,   /* `mark` at `at` */
    TRAIT_ZIP,     /* a zip archive with a member whose name contains `mark` */
    TRAIT_PICKLE,  /* Python's pickle (also within joblib) that mentions `mark`; "" any */
    TRAIT_TENSORS, /* safetensors: length of a JSON header, and the header */
    TRAIT_FOLDER   /* a folder with a file `mark` */
};

struct cli_foreign {
    enum trait trait;
    unsigned char at, length; /* of mark, where it has zeros or a place */
    const char *mark;
    const char *suffixes; /* ".pt .pth"; ends the name; needed by TRAIT_NAME, NULL otherwise: any */
    const char *what;
    /* Lines.  {file} is the path, {dir} its folder, {stem} its name without suffix, {out} that with
     * .onnx. */
    const char *lines;
};

static const char torch_lines[] =
    "# pip install torch onnx onnxscript\n"
    "import torch\n"
    "model = ...  # the torch.nn.Module of these weights: build it as where it was trained, then\n"
    "model.load_state_dict(torch.load(\"{file}\", map_location=\"cpu\", weights_only=True))\n"
    "example = torch.randn(1, 3, 224, 224)  # an input of the shape that the model takes\n"
    "torch.onnx.export(model.eval(), (example,), \"{out}\", dynamo=True, external_data=False)\n";
static const char script_lines[] =
    "# pip install torch onnx\n"
    "import torch\n"
    "model = torch.jit.load(\"{file}\", map_location=\"cpu\").eval()\n"
    "example = torch.randn(1, 3, 224, 224)  # an input of the shape that the model takes\n"
    "torch.onnx.export(model, (example,), \"{out}\", dynamo=False, opset_version=17)\n";
static const char program_lines[] =
    "# pip install torch onnx onnxscript\n"
    "import torch\n"
    "program = torch.export.load(\"{file}\")\n"
    "torch.onnx.export(program, (), \"{out}\", dynamo=True, external_data=False)\n";
static const char keras_lines[] =
    "# pip install tensorflow keras tf2onnx onnx\n"
    "import keras\n"
    "model = keras.models.load_model(\"{file}\")\n"
    "model.export(\"{out}\", format=\"onnx\")\n"
    "# With Keras 2: model.export(\"{stem}_saved\"), and then on the command line\n"
    "#   python -m tf2onnx.convert --saved-model {stem}_saved --output {out} --opset 17\n";
static const char tf_saved_lines[] =
    "# pip install tensorflow tf2onnx\n"
    "python -m tf2onnx.convert --saved-model \"{file}\" --output \"{out}\" --opset 17\n";
static const char tf_inner_lines[] =
    "# pip install tensorflow tf2onnx\n"
    "python -m tf2onnx.convert --saved-model \"{dir}\" --output model.onnx --opset 17\n";
static const char tf_graph_lines[] =
    "# pip install tensorflow tf2onnx; the names are those of the graph's own inputs and outputs\n"
    "python -m tf2onnx.convert --graphdef \"{file}\" --inputs input:0 --outputs output:0 \\\n"
    "    --output \"{out}\" --opset 17\n";
static const char tflite_lines[] =
    "# pip install tensorflow tf2onnx\n"
    "python -m tf2onnx.convert --tflite \"{file}\" --output \"{out}\" --opset 17\n";
static const char sklearn_lines[] =
    "# pip install scikit-learn skl2onnx joblib\n"
    "import joblib\n"
    "from skl2onnx import to_onnx\n"
    "model = joblib.load(\"{file}\")  # only a file that you trust: loading it runs its code\n"
    "example = ...  # rows of the training data, as float32 (X[:1].astype(\"float32\"))\n"
    "open(\"{out}\", \"wb\").write(\n"
    "    to_onnx(model, example, options={\"zipmap\": False}).SerializeToString())\n"
    "# A regressor has no option zipmap: leave it out.\n";
static const char xgboost_lines[] =
    "# pip install xgboost onnxmltools\n"
    "import pickle\n"
    "from onnxmltools import convert_xgboost\n"
    "from onnxmltools.convert.common.data_types import FloatTensorType\n"
    "model = pickle.load(open(\"{file}\", \"rb\"))  # only a file that you trust\n"
    "types = [(\"input\", FloatTensorType([None, model.n_features_in_]))]\n"
    "open(\"{out}\", \"wb\").write(\n"
    "    convert_xgboost(model, initial_types=types).SerializeToString())\n";
static const char lightgbm_lines[] =
    "# pip install lightgbm onnxmltools\n"
    "import lightgbm\n"
    "from onnxmltools import convert_lightgbm\n"
    "from onnxmltools.convert.common.data_types import FloatTensorType\n"
    "model = lightgbm.Booster(model_file=\"{file}\")\n"
    "types = [(\"input\", FloatTensorType([None, model.num_feature()]))]\n"
    "open(\"{out}\", \"wb\").write(\n"
    "    convert_lightgbm(model, initial_types=types, zipmap=False).SerializeToString())\n";
static const char catboost_lines[] =
    "# pip install catboost\n"
    "from catboost import CatBoost\n"
    "CatBoost().load_model(\"{file}\").save_model(\"{out}\", format=\"onnx\")\n";
static const char paddle_lines[] =
    "# pip install paddlepaddle paddle2onnx; an exported model is two or three files in a folder\n"
    "paddle2onnx --model_dir . --model_filename \"{stem}.pdmodel\" \\\n"
    "    --params_filename \"{stem}.pdiparams\" --save_file \"{out}\" --opset_version 17\n"
    "# From .pdparams, weights alone, in Python, with the layer of these weights:\n"
    "#   layer.set_state_dict(paddle.load(\"{stem}.pdparams\"))\n"
    "#   paddle.onnx.export(layer, \"{stem}\", opset_version=17, input_spec=[\n"
    "#       paddle.static.InputSpec([None, 3, 224, 224], \"float32\", \"x\")])\n";
static const char hub_lines[] =
    "# pip install optimum[onnxruntime]; weights alone do not say which model they belong to:\n"
    "# config.json beside them does. FOLDER is theirs, or their name on the hub\n"
    "optimum-cli export onnx --model FOLDER {stem}_onnx\n"
    "# Not a model of transformers or diffusers? In Python, with the module of these weights:\n"
    "#   model.load_state_dict(safetensors.torch.load_file(\"{file}\"))\n"
    "#   torch.onnx.export(model.eval(), (example,), \"{out}\", dynamo=True, "
    "external_data=False)\n";
static const char gguf_lines[] =
    "# GGUF is a target of conversions, and quantised: go back to the weights that it was made of\n"
    "# pip install optimum[onnxruntime]; NAME is the original model on the hub, or its folder\n"
    "optimum-cli export onnx --model NAME {stem}_onnx\n";
static const char coreml_lines[] =
    "# Core ML is a target of conversions: export the model that it was made of. Where that is "
    "lost,\n"
    "# a .mlmodel (no .mlpackage) of a neural network or of trees can be tried:\n"
    "# pip install onnxmltools coremltools\n"
    "import coremltools, onnxmltools\n"
    "model = onnxmltools.convert_coreml(coremltools.utils.load_spec(\"{file}\"))\n"
    "onnxmltools.utils.save_model(model, \"{out}\")\n";
static const char caffe_lines[] =
    "# pip install caffe2onnx; the network is described by a .prototxt beside the weights\n"
    "python -m caffe2onnx.convert --prototxt \"{stem}.prototxt\" --caffemodel \"{file}\" \\\n"
    "    --onnx \"{out}\"\n";
static const char mxnet_lines[] =
    "# pip install mxnet onnx; the network is described by a -symbol.json beside the weights\n"
    "import mxnet.onnx, numpy\n"
    "mxnet.onnx.export_model(\"{stem}-symbol.json\", \"{file}\", [(1, 3, 224, 224)],\n"
    "    [numpy.float32], \"{out}\")\n";
static const char engine_lines[] = "# An engine is compiled for one kind of GPU and cannot be "
                                   "turned back. It was built from ONNX,\n"
                                   "# most often by trtexec --onnx=MODEL.onnx: use that file\n"
                                   "ashore port MODEL.onnx -o site\n";
static const char openvino_lines[] =
    "# OpenVINO's files (.xml and .bin) are made from a model and cannot be turned back: use the "
    "one\n"
    "# that they were made of. Weights of PyTorch named .bin are recognised by their content\n"
    "ashore port MODEL.onnx -o site\n";
static const char darknet_lines[] =
    "# The network is described by a .cfg beside the weights. pip install ultralytics onnx\n"
    "yolo export model=yolov8n.pt format=onnx  # a present model of the same family\n";
static const char ort_lines[] =
    "# A file of ONNX Runtime's own format is made from an ONNX model: use that one. Where it is\n"
    "# lost:  pip install onnxruntime\n"
    "import onnxruntime as ort\n"
    "options = ort.SessionOptions()\n"
    "options.optimized_model_filepath = \"{out}\"\n"
    "options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL\n"
    "ort.InferenceSession(\"{file}\", options)\n";
static const char pointer_lines[] =
    "# git-lfs is a program of its own (Debian: apt-get install git-lfs). In the repository:\n"
    "git lfs install && git lfs pull\n";
static const char html_lines[] =
    "# The address led to a page about the model, or to one that asks to log in. Fetch the file\n"
    "# itself, by the address behind the page's download button\n"
    "curl -L -o \"{out}\" ADDRESS\n";
static const char zip_lines[] = "# Unpack it, and give the model that is inside\n"
                                "unzip \"{file}\"\n";
static const char gzip_lines[] = "# Unpack it, and give the model that is inside\n"
                                 "tar -xzf \"{file}\" || gunzip --keep \"{file}\"\n";

/* In the order in which they are tried: what is particular before what is general. */
static const struct cli_foreign formats[] = {
    {TRAIT_ZIP, 0, 0, "constants.pkl", NULL, "a TorchScript program of PyTorch", script_lines},
    {TRAIT_ZIP, 0, 0, "/code/", NULL, "a TorchScript program of PyTorch", script_lines},
    {TRAIT_ZIP, 0, 0, "serialized_exported_program", NULL, "an exported program of PyTorch",
     program_lines},
    {TRAIT_ZIP, 0, 0, "archive_format", NULL, "an exported program of PyTorch", program_lines},
    {TRAIT_ZIP, 0, 0, "data.pkl", NULL, "a PyTorch checkpoint (a zip archive with data.pkl)",
     torch_lines},
    {TRAIT_ZIP, 0, 0, "model.weights.h5", NULL, "a Keras model", keras_lines},
    {TRAIT_MAGIC, 0, 14, "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19", NULL,
     "a PyTorch checkpoint (of before version 1.6)", torch_lines},
    {TRAIT_PICKLE, 0, 0, "", ".pdparams .pdopt", "weights of PaddlePaddle", paddle_lines},
    {TRAIT_PICKLE, 0, 0, "xgboost", NULL, "a pickled XGBoost model", xgboost_lines},
    {TRAIT_PICKLE, 0, 0, "torch", NULL, "a pickled PyTorch model", torch_lines},
    {TRAIT_PICKLE, 0, 0, "", NULL, "a Python pickle, as scikit-learn and joblib write it",
     sklearn_lines},
    {TRAIT_MAGIC, 0, 8, "\x89HDF\r\n\x1a\n", NULL, "a HDF5 file, as Keras writes it", keras_lines},
    {TRAIT_MAGIC, 4, 4, "TFL3", NULL, "a TensorFlow Lite model", tflite_lines},
    {TRAIT_MAGIC, 4, 4, "ORTM", NULL, "a model in ONNX Runtime's own format", ort_lines},
    {TRAIT_MAGIC, 0, 4, "GGUF", NULL, "a GGUF file of llama.cpp", gguf_lines},
    {TRAIT_MAGIC, 0, 4, "ggml", NULL, "a GGML file of llama.cpp", gguf_lines},
    {TRAIT_TENSORS, 0, 0, "", NULL, "a safetensors file: weights alone", hub_lines},
    {TRAIT_MAGIC, 0, 4, "CBM1", NULL, "a CatBoost model", catboost_lines},
    {TRAIT_MAGIC, 0, 5, "tree\n", NULL, "a LightGBM model", lightgbm_lines},
    {TRAIT_MAGIC, 0, 4, "ftrt", NULL, "a TensorRT engine", engine_lines},
    {TRAIT_MAGIC, 0, 23, "version https://git-lfs", NULL,
     "a pointer of Git LFS, in place of the file itself", pointer_lines},
    {TRAIT_MAGIC, 0, 9, "<!DOCTYPE", NULL, "an HTML page", html_lines},
    {TRAIT_MAGIC, 0, 9, "<!doctype", NULL, "an HTML page", html_lines},
    {TRAIT_MAGIC, 0, 5, "<html", NULL, "an HTML page", html_lines},
    {TRAIT_MAGIC, 0, 2, "\x1f\x8b", NULL, "a compressed file", gzip_lines},
    {TRAIT_FOLDER, 0, 0, "saved_model.pb", NULL, "a TensorFlow SavedModel", tf_saved_lines},
    {TRAIT_FOLDER, 0, 0, "Manifest.json", ".mlpackage", "a Core ML package", coreml_lines},
    {TRAIT_FOLDER, 0, 0, "config.json", NULL, "a folder of weights, as transformers writes it",
     hub_lines},
    {TRAIT_MAGIC, 0, 4, "PK\3\4", NULL, "a zip archive", zip_lines},
    {TRAIT_NAME, 0, 0, "", ".pt .pth .ckpt .pt2", "named as a PyTorch model", torch_lines},
    {TRAIT_NAME, 0, 0, "", ".h5 .hdf5 .keras", "named as a Keras model", keras_lines},
    {TRAIT_NAME, 0, 0, "", ".pkl .pickle .joblib", "named as a pickled scikit-learn model",
     sklearn_lines},
    {TRAIT_NAME, 0, 0, "", ".tflite", "named as a TensorFlow Lite model", tflite_lines},
    {TRAIT_NAME, 0, 0, "", "saved_model.pb", "the graph of a TensorFlow SavedModel",
     tf_inner_lines},
    {TRAIT_NAME, 0, 0, "", ".pb .pbtxt", "named as a TensorFlow graph", tf_graph_lines},
    {TRAIT_NAME, 0, 0, "", ".safetensors", "named as a safetensors file", hub_lines},
    {TRAIT_NAME, 0, 0, "", ".gguf .ggml", "named as a GGUF file", gguf_lines},
    {TRAIT_NAME, 0, 0, "", ".mlmodel .mlpackage", "named as a Core ML model", coreml_lines},
    {TRAIT_NAME, 0, 0, "", ".pdmodel .pdiparams .pdparams", "named as a PaddlePaddle model",
     paddle_lines},
    {TRAIT_NAME, 0, 0, "", ".caffemodel .prototxt", "named as a Caffe model", caffe_lines},
    {TRAIT_NAME, 0, 0, "", ".params", "named as weights of MXNet", mxnet_lines},
    {TRAIT_NAME, 0, 0, "", ".weights", "named as weights of Darknet", darknet_lines},
    {TRAIT_NAME, 0, 0, "", ".engine .trt .plan", "named as a TensorRT engine", engine_lines},
    {TRAIT_NAME, 0, 0, "", ".bin .xml", "named as a model of OpenVINO", openvino_lines},
};

/* ---- content -------------------------------------------------------------------------------- */

static bool has(const unsigned char *bytes, size_t size, const char *mark) {
    size_t n = strlen(mark);
    for (size_t i = 0; i + n <= size; i++) {
        if (memcmp(bytes + i, mark, n) == 0) return true;
    }
    return false;
}

static bool mentions(const struct ends *e, const char *mark) {
    return has(e->head, e->head_size, mark) || has(e->tail, e->tail_size, mark);
}

/* Protocols 2 to 5 begin with their number; joblib compresses by zlib. */
static bool is_pickle(const struct ends *e) {
    if (e->head_size < 4 || e->tail_size < 1) return false;
    return e->head[0] == 0x80 && e->head[1] >= 2 && e->head[1] <= 5 &&
           e->tail[e->tail_size - 1] == '.';
}

static bool is_tensors(const struct ends *e) {
    if (e->head_size < 10 || e->head[8] != '{' || (e->head[9] != '"' && e->head[9] != '}')) {
        return false;
    }
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--) length = length << 8 | e->head[i];
    return length >= 2 && length < 100000000;
}

static bool shows(const struct cli_foreign *f, const struct ends *e) {
    switch (f->trait) {
    case TRAIT_MAGIC:
        return e->head_size >= (size_t)f->at + f->length &&
               memcmp(e->head + f->at, f->mark, f->length) == 0;
    case TRAIT_ZIP:
        return e->head_size > 4 && memcmp(e->head, "PK\3\4", 4) == 0 && mentions(e, f->mark);
    case TRAIT_PICKLE:
        return is_pickle(e) && (!f->mark[0] || mentions(e, f->mark));
    case TRAIT_TENSORS:
        return is_tensors(e);
    case TRAIT_NAME:
    case TRAIT_FOLDER:
        break;
    }
    return false;
}

/* ---- names ---------------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *suffix, size_t n) {
    size_t length = strlen(name);
    if (length < n) return false;
    for (size_t i = 0; i < n; i++) {
        if (tolower((unsigned char)name[length - n + i]) != suffix[i]) return false;
    }
    return true;
}

/* Case aside, the name ends as one of the suffixes, words apart by spaces. */
static bool is_named(const char *name, const char *suffixes) {
    for (const char *s = suffixes; *s;) {
        size_t n = strcspn(s, " ");
        if (ends_with(name, s, n)) return true;
        s += n + strspn(s + n, " ");
    }
    return false;
}

static bool read_ends(struct cli *cli, const char *path, struct ends *e) {
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    unsigned char *head = cli_alloc(cli, HEAD), *tail = cli_alloc(cli, TAIL);
    *e = (struct ends){.head = head, .tail = tail};
    e->head_size = fread(head, 1, HEAD, file);
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (size > 0 && fseek(file, size > TAIL ? size - TAIL : 0, SEEK_SET) == 0) {
        e->tail_size = fread(tail, 1, TAIL, file);
    }
    fclose(file);
    return true;
}

/* Whether the engine says that these bytes are no model. */
static bool is_refused(const char *path) {
    struct ashore_error err = {0};
    ashore_model *model = NULL;
    int rc = ashore_model_load_file(path, NULL, &model, &err);
    ashore_model_destroy(&model);
    return rc == ASHORE_ERR_FORMAT;
}

/* "model.pt" of "a/model.pt/" too. */
static const char *own_name(struct cli *cli, const char *path) {
    char *copy = cli_format(cli, "%s", path);
    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--) copy[n - 1] = '\0';
    return cli_path_name(copy);
}

/* A folder with an ONNX model in its usual place is none of another format. */
static bool holds(struct cli *cli, const struct cli_foreign *f, const char *dir, const char *name) {
    if (cli_is_file(cli_format(cli, "%s/model.onnx", dir)) ||
        cli_is_file(cli_format(cli, "%s/onnx/model.onnx", dir))) {
        return false;
    }
    return f->trait == TRAIT_FOLDER && (!f->suffixes || is_named(name, f->suffixes)) &&
           cli_is_file(cli_format(cli, "%s/%s", dir, f->mark));
}

const struct cli_foreign *cli_foreign_find(struct cli *cli, const char *path) {
    const char *name = own_name(cli, path);
    bool folder = cli_is_dir(path);
    struct ends e = {0};
    if (!folder && (!cli_is_file(path) || !read_ends(cli, path, &e))) return NULL;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const struct cli_foreign *f = &formats[i];
        bool named = f->suffixes && is_named(name, f->suffixes);
        if (folder ? holds(cli, f, path, name) : shows(f, &e) && (!f->suffixes || named)) return f;
        if (f->trait == TRAIT_NAME && named && !folder) return is_refused(path) ? f : NULL;
    }
    return NULL;
}

/* ---- words ---------------------------------------------------------------------------------- */

/* Lines with the names put in, set off. */
static const char *filled(struct cli *cli, const char *lines, const char *path) {
    const char *name = own_name(cli, path), *dot = strrchr(name, '.');
    const char *stem = dot && dot > name ? cli_format(cli, "%.*s", (int)(dot - name), name) : name;
    const char *const words[][2] = {{"{file}", path},
                                    {"{stem}", stem},
                                    {"{out}", cli_format(cli, "%s.onnx", stem)},
                                    {"{dir}", cli_path_dir(cli, path)}};
    const size_t count = sizeof words / sizeof words[0];
    const char *out = "    ";
    while (*lines) {
        size_t n = strcspn(lines, "{\n"), w = 0;
        const char *at = lines + n;
        while (w < count && strncmp(at, words[w][0], strlen(words[w][0])) != 0) w++;
        const char *put = *at == '\n' ? (at[1] ? "\n    " : "\n") : w < count ? words[w][1] : "{";
        size_t taken = *at == '\0' ? 0 : *at == '{' && w < count ? strlen(words[w][0]) : 1;
        out = cli_format(cli, "%s%.*s%s", out, (int)n, lines, *at ? put : "");
        lines = at + taken;
    }
    return out;
}

static const char *verb(const struct cli_foreign *f) {
    return f->trait == TRAIT_NAME && strncmp(f->what, "named", 5) == 0 ? "is no ONNX model, and is"
                                                                       : "is no ONNX model, but";
}

int cli_foreign_explain(struct cli *cli, const struct cli_foreign *format, const char *path) {
    const char *clean = cli_clean(cli, path);
    cli_say(cli, "%s %s %s; what makes it one:\n\n%s", clean, verb(format), format->what,
            filled(cli, format->lines, clean));
    return CLI_INPUT;
}

int cli_foreign_point(struct cli *cli, const struct cli_foreign *format, const char *path) {
    const char *clean = cli_clean(cli, path);
    return cli_give_up(cli, CLI_INPUT, "%s %s %s; 'ashore port %s' says how to make it one", clean,
                       verb(format), format->what, clean);
}
