import { reference } from "@hulu/backend-reference";
import { serve } from "@hulu/engine/worker";

serve({ backend: reference });
