package heeler;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/** What a class file says of itself, read without loading the class: a jar may have thousands. */
record ClassFile(String name, boolean concrete, String superclass, List<String> interfaces) {
    private static final int PUBLIC = 0x0001;
    private static final int ABSTRACT = 0x0400;

    static ClassFile read(InputStream bytes) throws IOException {
        DataInputStream in = new DataInputStream(bytes);
        if (in.readInt() != 0xcafebabe) throw new IOException("no class file");
        in.readInt();
        Object[] pool = pool(in);
        int access = in.readUnsignedShort();
        String name = name(pool, in.readUnsignedShort());
        String superclass = name(pool, in.readUnsignedShort());
        List<String> interfaces = new ArrayList<>();
        for (int left = in.readUnsignedShort(); left > 0; left--) interfaces.add(name(pool, in.readUnsignedShort()));
        return new ClassFile(name, (access & (PUBLIC | ABSTRACT)) == PUBLIC, superclass, interfaces);
    }

    private static String name(Object[] pool, int index) {
        return pool[index] instanceof Integer text ? ((String) pool[text]).replace('/', '.') : "";
    }

    /** Its texts, and for each class the number of its name. */
    private static Object[] pool(DataInputStream in) throws IOException {
        Object[] pool = new Object[in.readUnsignedShort()];
        for (int at = 1; at < pool.length; at++) {
            int tag = in.readUnsignedByte();
            switch (tag) {
                case 1 -> pool[at] = in.readUTF();
                case 7 -> pool[at] = in.readUnsignedShort();
                case 8, 16, 19, 20 -> in.readUnsignedShort();
                case 15 -> in.skipBytes(3);
                case 3, 4, 9, 10, 11, 12, 17, 18 -> in.readInt();
                case 5, 6 -> {
                    in.readLong();
                    at++;
                }
                default -> throw new IOException("a constant of kind " + tag);
            }
        }
        return pool;
    }
}
