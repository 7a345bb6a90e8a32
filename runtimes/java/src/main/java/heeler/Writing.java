package heeler;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.nio.charset.Charset;

/** Text into an answer. A BufferedWriter because the interface says so; the answer has the only buffer. */
final class Writing extends BufferedWriter {
    private final OutputStream out;
    private final Charset charset;
    /** The first half of a character, when its second comes with the next piece; else 0. */
    private char half;

    Writing(OutputStream out, Charset charset) {
        super(Writer.nullWriter(), 1);
        this.out = out;
        this.charset = charset;
    }

    @Override
    public void write(int one) throws IOException {
        write(String.valueOf((char) one));
    }

    @Override
    public void write(char[] text, int from, int length) throws IOException {
        write(new String(text, from, length));
    }

    @Override
    public void write(String text) throws IOException {
        put(text);
    }

    @Override
    public void write(String text, int from, int length) throws IOException {
        put(text.substring(from, from + length));
    }

    private void put(String text) throws IOException {
        if (text.isEmpty()) return;
        String whole = half == 0 ? text : half + text;
        char end = whole.charAt(whole.length() - 1);
        half = Character.isHighSurrogate(end) ? end : 0;
        byte[] bytes = (half == 0 ? whole : whole.substring(0, whole.length() - 1)).getBytes(charset);
        out.write(bytes, 0, bytes.length);
    }

    @Override
    public void newLine() throws IOException {
        put(System.lineSeparator());
    }

    @Override
    public void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
