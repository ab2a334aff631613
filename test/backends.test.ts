import { onnx } from "@hulu/backend-onnx";
import { reference } from "@hulu/backend-reference";
import { tfjs, tfjsBackend } from "@hulu/backend-tfjs";
import { testBackend } from "@hulu/testing";

testBackend("onnx", onnx, { reference });
testBackend("tfjs-wasm", tfjs, { reference });
testBackend("tfjs-cpu", tfjsBackend({ engine: "cpu" }), { reference });
