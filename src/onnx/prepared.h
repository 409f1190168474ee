/* What keeps prepared files out of engines that were not trimmed to them. */
#ifndef ASH_ONNX_PREPARED_H
#define ASH_ONNX_PREPARED_H

extern const unsigned char ash_prepared_seal;

#endif
