package heeler;

/** The numbers of docs/wire.md. */
final class Frames {
    static final int VERSION = 1;
    static final int HEADER_BYTES = 12;
    static final int MAX_PAYLOAD = 262_144;
    static final int LAST = 1;
    /** Types from here on may be passed over by whoever does not know them. */
    static final int OPTIONAL = 128;

    static final int HELLO = 1;
    static final int CALL = 2;
    static final int DATA = 3;
    static final int END = 4;
    static final int REPLY = 5;
    static final int ERROR = 6;
    static final int CANCEL = 7;
    static final int CANCELLED = 8;
    static final int WINDOW = 9;
    static final int PING = 10;
    static final int PONG = 11;
    static final int LOG = 12;
    static final int BYE = 13;

    /** What kind of failure an ERROR frame tells. */
    static final int RAISED = 0;
    static final int NOT_LOADED = 3;

    static final byte[] EMPTY = new byte[0];

    private Frames() {}

    static int u16(byte[] bytes, int at) {
        return (bytes[at] & 0xff) << 8 | bytes[at + 1] & 0xff;
    }

    static int i32(byte[] bytes, int at) {
        return u16(bytes, at) << 16 | u16(bytes, at + 2);
    }

    static long u32(byte[] bytes, int at) {
        return i32(bytes, at) & 0xffff_ffffL;
    }

    static void put32(byte[] bytes, int at, int value) {
        bytes[at] = (byte) (value >>> 24);
        bytes[at + 1] = (byte) (value >>> 16);
        bytes[at + 2] = (byte) (value >>> 8);
        bytes[at + 3] = (byte) value;
    }
}
