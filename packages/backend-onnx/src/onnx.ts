import { ModelTooLargeError } from "./errors.js";
import { ProtoWriter } from "./protobuf.js";

// The messages of an ONNX model (onnx/onnx.proto3, IR version 10) that this backend writes, as plain data.

/** `TensorProto.DataType`. */
export const elementTypes = {
  f32: 1,
  u8: 2,
  i8: 3,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  bf16: 16,
} as const;
export type ElementType = keyof typeof elementTypes;

export const bytesPerElement: Readonly<Record<ElementType, number>> = {
  f32: 4,
  u8: 1,
  i8: 1,
  i32: 4,
  i64: 8,
  bool: 1,
  f16: 2,
  bf16: 2,
};

export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly graph: OnnxGraph };

export interface OnnxNode {
  readonly op: string;
  /** "" is ai.onnx. */
  readonly domain: "" | "com.microsoft";
  readonly name: string;
  /** "" is an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** Bytes inside a file beside the model: `location` is relative to the folder that the session is told. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly data: Uint8Array | ExternalData;
}

/** An input or output; a size that is known at run time only is given by a name. */
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape?: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** ai.onnx 23 brought RotaryEmbedding with a table for each token. */
const OPSET = 23;
const IR_VERSION = 10;
/** A protobuf message ends at 2 GiB. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * A model in the bytes that ONNX Runtime loads.
 * @throws ModelTooLargeError when the weights that lie inside it take 2 GiB or more
 */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const writer = new ProtoWriter();
  writer.int(1, IR_VERSION);
  writer.text(2, "hulu");
  writer.message(7, (w) => writeGraph(w, graph));
  for (const [domain, version] of [["", OPSET] as const, ["com.microsoft", 1] as const])
    writer.message(8, (w) => {
      w.text(1, domain);
      w.int(2, version);
    });
  if (writer.size > MOST_BYTES) throw new ModelTooLargeError(graph.name, writer.size);
  return writer.finish();
}

function writeGraph(w: ProtoWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) w.message(1, (n) => writeNode(n, node));
  w.text(2, graph.name);
  for (const tensor of graph.initializers) w.message(5, (t) => writeTensor(t, tensor));
  for (const value of graph.inputs) w.message(11, (v) => writeValue(v, value));
  for (const value of graph.outputs) w.message(12, (v) => writeValue(v, value));
}

function writeNode(w: ProtoWriter, node: OnnxNode): void {
  for (const input of node.inputs) w.text(1, input);
  for (const output of node.outputs) w.text(2, output);
  w.text(3, node.name);
  w.text(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes))
    w.message(5, (a) => writeAttribute(a, name, attribute));
  if (node.domain !== "") w.text(7, node.domain);
}

/** The numbers beside the names are `AttributeProto.AttributeType`. */
function writeAttribute(w: ProtoWriter, name: string, attribute: OnnxAttribute): void {
  w.text(1, name);
  if ("float" in attribute) {
    w.float(2, attribute.float);
    w.int(20, 1);
  } else if ("int" in attribute) {
    w.int(3, attribute.int);
    w.int(20, 2);
  } else if ("text" in attribute) {
    w.text(4, attribute.text);
    w.int(20, 3);
  } else if ("graph" in attribute) {
    w.message(6, (g) => writeGraph(g, attribute.graph));
    w.int(20, 5);
  } else {
    w.ints(8, attribute.ints);
    w.int(20, 7);
  }
}

function writeTensor(w: ProtoWriter, tensor: OnnxTensor): void {
  w.ints(1, tensor.shape);
  w.int(2, elementTypes[tensor.type]);
  w.text(8, tensor.name);
  if (tensor.data instanceof Uint8Array) {
    w.bytes(9, tensor.data);
    return;
  }
  for (const key of ["location", "offset", "length"] as const) {
    const value = String(tensor.data[key]);
    w.message(13, (entry) => {
      entry.text(1, key);
      entry.text(2, value);
    });
  }
  w.int(14, 1);
}

function writeValue(w: ProtoWriter, value: OnnxValue): void {
  w.text(1, value.name);
  w.message(2, (type) =>
    type.message(1, (tensor) => {
      tensor.int(1, elementTypes[value.type]);
      const { shape } = value;
      if (shape !== undefined) tensor.message(2, (s) => shape.forEach((size) => void writeDimension(s, size)));
    }),
  );
}

function writeDimension(w: ProtoWriter, size: number | string): void {
  w.message(1, (dimension) => {
    if (typeof size === "number") dimension.int(1, size);
    else dimension.text(2, size);
  });
}
