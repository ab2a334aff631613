import { webgpu } from "@hulu/backend-webgpu";
import { serve } from "@hulu/engine/worker";

serve({ backend: webgpu });
