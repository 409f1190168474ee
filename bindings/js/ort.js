// `import * as ort from 'ashore/ort'`: the interface of onnxruntime-web, onnxruntime-node and
// onnxruntime-common over this engine.
import {
  env, listSupportedBackends, registerBackend, TRACE, TRACE_EVENT_BEGIN, TRACE_EVENT_END,
  TRACE_FUNC_BEGIN, TRACE_FUNC_END,
} from './ort_env.js';
import { InferenceSession } from './ort_session.js';
import { Tensor } from './ort_tensor.js';

export { AshoreError } from './tensor.js';
export {
  env, InferenceSession, listSupportedBackends, registerBackend, Tensor, TRACE, TRACE_EVENT_BEGIN,
  TRACE_EVENT_END, TRACE_FUNC_BEGIN, TRACE_FUNC_END,
};
export default {
  env, InferenceSession, listSupportedBackends, registerBackend, Tensor, TRACE, TRACE_EVENT_BEGIN,
  TRACE_EVENT_END, TRACE_FUNC_BEGIN, TRACE_FUNC_END,
};
