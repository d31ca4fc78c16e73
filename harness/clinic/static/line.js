/** The line to the clinic: one socket, opened again when it is lost. */

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 5000;

export class Line {
  /** `onMessage(message)` gets every message, `onState(open)` whether the line holds. */
  constructor(onMessage, onState) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.seat = "";
    this.wait = FIRST_WAIT_MS;
    this.left = false;
  }

  /** Sit down at a seat; the server tells by it whose window this is. */
  open(seat) {
    this.leave();
    this.left = false;
    this.seat = seat;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/seat/${seat}`);
    this.socket = socket;
    socket.onopen = () => {
      this.wait = FIRST_WAIT_MS;
      this.onState(true);
    };
    socket.onmessage = (event) => {
      this.onMessage(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (this.socket === socket && !this.left) this.again(event);
    };
  }

  again(event) {
    if (event.code === 4404) {
      this.onMessage({ type: "gone", text: event.reason || "This visit is over." });
      return;
    }
    this.onState(false);
    this.timer = setTimeout(() => this.open(this.seat), this.wait);
    this.wait = Math.min(LONGEST_WAIT_MS, this.wait * 2);
  }

  /** Ask for something; the answer comes as a message. */
  send(command) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(command));
  }

  /** Leave the seat for good. */
  leave() {
    this.left = true;
    clearTimeout(this.timer);
    this.socket?.close();
    this.socket = undefined;
  }
}
