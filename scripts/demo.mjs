// The last step of npm start: the example that shows a text, a picture and a volume beside PyTorch's tokens.
await import("../examples/ask-node/demo.mjs");
