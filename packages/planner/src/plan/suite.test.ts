import { reference } from "@hulu/backend-reference";
import { testBackend } from "@hulu/testing";
import { planned } from "../../test/backend.js";

testBackend("of plans on the host", planned, { reference, effort: 0.5 });
