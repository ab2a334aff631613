import { reference } from "@hulu/backend-reference";
import { testBackend } from "@hulu/testing";
import { afterAll, expect } from "vitest";
import { hostBackend } from "../../test/host-backend.js";
import { HostDevice } from "../../test/host-device.js";

const device = new HostDevice();
testBackend("of plans that run", hostBackend(device), { reference });

afterAll(() => expect([...device.buffers].map((buffer) => buffer.label)).toEqual([]));
