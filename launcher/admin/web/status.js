// The status page. All text from outside is set as text; nothing is ever parsed as markup.

const REFRESH_MS = 2000;
const PILLS = {
  healthy: ["●", "Running", "ok"],
  starting: ["◔", "Starting", ""],
  degraded: ["▲", "Degraded", "warn"],
  unreachable: ["▲", "Unreachable", "warn"],
  failed: ["✕", "Failed", "bad"],
  paused: ["❚❚", "Paused", ""],
  stopped: ["○", "Stopped", ""],
};
const ACTIONS = {
  healthy: [["pause", "Pause"], ["restart", "Restart"], ["stop", "Stop"]],
  degraded: [["restart", "Restart"], ["pause", "Pause"], ["stop", "Stop"]],
  unreachable: [["stop", "Stop"]],
  starting: [["stop", "Stop"]],
  paused: [["resume", "Resume"], ["stop", "Stop"]],
  stopped: [["start", "Start"]],
  failed: [["start", "Start again"]],
};
const MORE_WHEN_FAILED = {
  "config-error": [["start-last-good", "Start with the last settings that worked"]],
  "crash-loop": [["start-plain", "Start without settings"]],
};

const element = (id) => document.getElementById(id);
const made = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

async function call(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json", "x-kp": "1" },
    body: JSON.stringify(body),
  };
  const reply = await fetch(`/api/v1/${path}`, options);
  if (reply.status === 401) location.assign("/sign-in");
  const said = await reply.json();
  if (!reply.ok) throw new Error(said.error.title);
  return said;
}

let asked = 0;
let shown = 0;

// Answers may overtake one another: one to an older question says what was, and shows nothing any more.
async function showAnswer(path, body) {
  const number = ++asked;
  const status = await call(path, body);
  if (number < shown) return;
  shown = number;
  showStatus(status);
}

const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

function sentence(status) {
  switch (status.state) {
    case "healthy":
      return status.phase === "draining" ? `Stopping: ${status.detail}`
        : status.offline ? "Running, but no provider can be reached: check the internet connection."
        : status.in_flight ? `Running. ${count(status.in_flight, "request")} in flight.` : "Running.";
    case "starting":
      return status.detail ? `Starting: ${status.detail}` : "Starting…";
    case "degraded":
      return `Running, but ${status.detail}.`;
    case "unreachable":
      return "The gateway stopped answering and is being restarted.";
    case "paused":
      return "Paused. New requests are told so.";
    case "failed":
      return `KorProxy can't start: ${status.detail}`;
    default:
      return "Stopped. Nothing listens.";
  }
}

function age(since) {
  const minutes = Math.floor((Date.now() / 1000 - since) / 60);
  if (minutes < 1) return "under a minute";
  if (minutes < 60) return count(minutes, "minute");
  return minutes < 2880 ? count(Math.floor(minutes / 60), "hour") : count(Math.floor(minutes / 1440), "day");
}

function showStatus(status) {
  const [glyph, word, tone] = PILLS[status.state];
  element("pill").className = `pill ${tone}`;
  element("pill").textContent = `${glyph} ${word}`;
  document.title = `${word} · KorProxy`;
  element("version").textContent = status.launcher.version;
  element("sentence").textContent = sentence(status);
  const facts = [];
  if (status.since) facts.push(`for ${age(status.since)}`);
  if (status.latency_ms !== null && status.pid) facts.push(`last health answer took ${status.latency_ms} ms`);
  if (status.restarts) facts.push(`${count(status.restarts, "restart")} lately`);
  if (status.pid) facts.push(`process ${status.pid}`);
  element("facts").textContent = facts.join(" · ");
  showRecording(status.recording);
  showNote(status);
  showActions(status);
  showEndpoints(status.url);
}

function showRecording(recording) {
  const badge = element("recording");
  badge.hidden = element("stop-recording").hidden = !recording;
  if (!recording) return;
  const until = new Date(recording.until_at * 1000).toTimeString().slice(0, 5);
  const what = [recording.tool, recording.shapes ? "without content" : ""].filter(Boolean).join(", ");
  badge.textContent = `● Recording until ${until}${what ? ` (${what})` : ""}`;
}

function showNote(status) {
  const note = element("note");
  const lines = status.state === "failed" ? status.last_lines : [];
  const problems = status.config_problems;
  note.hidden = !lines.length && !problems.length;
  note.className = status.state === "failed" ? "note bad" : "note";
  const head = problems.length ? "The settings file cannot be used; the last good one stays in force." : "It said last:";
  note.replaceChildren(made("b", "", head), ...[...problems, ...lines].map((line) => made("code", "", line)));
}

let shownActions = "";

function showActions(status) {
  const wanted = [...ACTIONS[status.state], ...(MORE_WHEN_FAILED[status.reason] ?? [])];
  const key = JSON.stringify(wanted);
  if (key === shownActions) return;
  shownActions = key;
  element("actions").replaceChildren(...wanted.map(([wish, label], index) => {
    const primary = index === 0 && ["start", "resume"].includes(wish);
    const button = made("button", primary ? "primary" : "", label);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await showAnswer("lifecycle", { do: wish });
      } finally {
        button.disabled = false;
      }
    });
    return button;
  }));
}

let shownUrl;

function showEndpoints(url) {
  if (url === shownUrl) return;
  shownUrl = url;
  const rows = url ? [["OpenAI tools", `${url}/v1`], ["Anthropic tools", url], ["Gemini tools", url]] : [];
  element("endpoints").replaceChildren(...rows.map(([tools, address]) => {
    const row = made("tr");
    const button = made("button", "small", "Copy");
    button.setAttribute("aria-label", `Copy the address for ${tools}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(address);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    const value = made("td");
    value.append(made("code", "", address));
    const action = made("td");
    action.append(button);
    row.append(made("th", "", tools), value, action);
    row.firstChild.scope = "row";
    return row;
  }));
}

const GLYPHS = { debug: "·", info: "–", warning: "▲", error: "✕", critical: "✕" };
const OWN_FIELDS = new Set(["ts", "level", "component", "event"]);

function logRow(line) {
  const row = made("li", line.level);
  const rest = made("span", "rest", line.event);
  const fields = Object.entries(line)
    .filter(([name, value]) => !OWN_FIELDS.has(name) && value !== "" && value !== null && !(Array.isArray(value) && !value.length))
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  rest.append(made("span", "fields", ` ${fields.join(" ")}`));
  row.append(
    made("span", "time", new Date(line.ts * 1000).toTimeString().slice(0, 8)),
    made("span", "glyph", GLYPHS[line.level] ?? "–"),
    made("span", "component", line.component),
    rest,
  );
  row.querySelector(".glyph").title = line.level;
  return row;
}

let shownLog = "";
let askedLogs = 0;
let shownLogs = 0;

async function refreshLog() {
  const number = ++askedLogs;
  const query = new URLSearchParams({ limit: "200", level: element("level").value });
  const request = element("request").value.trim();
  if (request) query.set("request_id", request);
  const { lines } = await call(`logs?${query}`);
  if (number < shownLogs) return; // it may be of another filter, too
  shownLogs = number;
  const key = JSON.stringify(lines.at(-1) ?? null) + lines.length + query;
  if (key === shownLog) return;
  shownLog = key;
  const list = element("log");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.replaceChildren(...lines.map(logRow));
  if (atEnd) list.scrollTop = list.scrollHeight;
  element("log-empty").hidden = lines.length > 0;
}

async function refresh() {
  if (document.hidden) return;
  try {
    await showAnswer("status");
    await refreshLog();
  } catch {
    element("pill").className = "pill bad";
    element("pill").textContent = "✕ Launcher gone";
    element("sentence").textContent = "The launcher does not answer. `korproxy start` brings it back.";
  }
}

element("stop-recording").addEventListener("click", async () => {
  await call("recording", { minutes: 0 });
  await refresh();
});
element("level").addEventListener("change", refreshLog);
element("request").addEventListener("input", refreshLog);
document.addEventListener("visibilitychange", refresh);
refresh();
setInterval(refresh, REFRESH_MS);
