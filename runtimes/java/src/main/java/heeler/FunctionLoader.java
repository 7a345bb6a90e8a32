package heeler;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.List;

/**
 * Loads the function: it sees the JDK, the interfaces of the functions framework and of CloudEvents, and nothing else of
 * ours, so that it may bring its own version of anything.
 */
final class FunctionLoader extends URLClassLoader {
    static {
        registerAsParallelCapable();
    }

    /** What functions are compiled against and need not bring; their own copies go first. */
    private static final List<String> LENT = List.of("com.openfaas.model.", "io.kubeless.");

    FunctionLoader(URL[] places) {
        super("function", places, new Interfaces());
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        try {
            return super.findClass(name);
        } catch (ClassNotFoundException missing) {
            if (LENT.stream().noneMatch(name::startsWith)) throw missing;
            return lend(name, missing);
        }
    }

    /** Defined here and not by our own loader: Kubeless' functions read fields that only their package sees. */
    private Class<?> lend(String name, ClassNotFoundException missing) throws ClassNotFoundException {
        try (InputStream bytes = FunctionLoader.class.getResourceAsStream("/" + name.replace('.', '/') + ".class")) {
            if (bytes == null) throw missing;
            byte[] all = bytes.readAllBytes();
            return defineClass(name, all, 0, all.length);
        } catch (IOException unreadable) {
            throw missing;
        }
    }

    /** The two packages that both sides speak, behind the JDK's own. */
    private static final class Interfaces extends ClassLoader {
        private static final List<String> PACKAGES = List.of("com.google.cloud.functions.", "io.cloudevents.");

        Interfaces() {
            super("interfaces", getPlatformClassLoader());
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            for (String prefix : PACKAGES) {
                // Not what lies below: builders and formats are the function's own.
                if (name.startsWith(prefix) && Character.isUpperCase(name.charAt(prefix.length()))) {
                    return Interfaces.class.getClassLoader().loadClass(name);
                }
            }
            throw new ClassNotFoundException(name);
        }
    }
}
