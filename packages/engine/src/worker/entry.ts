import { serve } from "./serve.js";

// The worker that `load` starts by itself: the call to load says which backend to import.
await serve();
