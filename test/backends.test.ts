import { onnx } from "@hulu/backend-onnx";
import { reference } from "@hulu/backend-reference";
import { testBackend } from "@hulu/testing";

testBackend("onnx", onnx, { reference });
