// `import * as ort from 'ashore/ort'`: the interface of onnxruntime-web, onnxruntime-node and
// onnxruntime-common over this engine.
import * as ort from './ort.js';

export {
  env, listSupportedBackends, registerBackend, TRACE, TRACE_EVENT_BEGIN, TRACE_EVENT_END,
  TRACE_FUNC_BEGIN, TRACE_FUNC_END,
} from './ort_env.js';
export { InferenceSession } from './ort_session.js';
export { Tensor } from './ort_tensor.js';
export { AshoreError } from './ashore.js';
export default ort;
