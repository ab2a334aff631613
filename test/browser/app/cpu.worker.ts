import { tfjsBackend } from "@hulu/backend-tfjs";
import { serve } from "@hulu/engine/worker";

serve({ backend: tfjsBackend({ engine: "cpu" }) });
