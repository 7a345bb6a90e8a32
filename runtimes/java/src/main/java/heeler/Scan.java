package heeler;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;

/** Looks for the function's class where nobody named it: the manifest's word, or the only class of a known shape. */
final class Scan {
    static final String ATTRIBUTE = "Function-Class";
    private static final Set<String> SHAPES = Set.of(
        "com.google.cloud.functions.HttpFunction",
        "com.google.cloud.functions.TypedFunction",
        "com.google.cloud.functions.CloudEventsFunction",
        "com.google.cloud.functions.BackgroundFunction",
        "com.google.cloud.functions.RawBackgroundFunction",
        "com.amazonaws.services.lambda.runtime.RequestHandler",
        "com.amazonaws.services.lambda.runtime.RequestStreamHandler",
        "com.openfaas.model.AbstractHandler",
        "com.openfaas.model.IHandler",
        "java.util.function.Function",
        "java.util.function.Supplier",
        "java.util.function.Consumer");

    private Scan() {}

    static String only(Path place) throws NotLoaded {
        List<String> found;
        try {
            String named = Files.isDirectory(place) ? null : manifest(place);
            if (named != null) return named;
            found = Files.isDirectory(place) ? folder(place) : jar(place);
        } catch (IOException unreadable) {
            throw new NotLoaded(place + " cannot be read", unreadable);
        }
        if (found.size() == 1) return found.get(0);
        String there = found.isEmpty() ? "none has a shape that is known here" : "there are " + String.join(", ", found);
        throw new NotLoaded("which class of " + place + " is the function? " + there + "; set handler=CLASS or FUNCTION_TARGET, or "
            + ATTRIBUTE + " in the jar's manifest");
    }

    private static String manifest(Path jar) throws IOException {
        try (JarFile file = new JarFile(jar.toFile())) {
            return file.getManifest() == null ? null : file.getManifest().getMainAttributes().getValue(ATTRIBUTE);
        }
    }

    private static List<String> jar(Path jar) throws IOException {
        List<String> found = new ArrayList<>();
        try (JarFile file = new JarFile(jar.toFile())) {
            for (JarEntry entry : file.stream().filter(one -> isClass(one.getName())).toList()) {
                try (InputStream bytes = file.getInputStream(entry)) {
                    look(ClassFile.read(bytes), found);
                }
            }
        }
        return found;
    }

    private static List<String> folder(Path folder) throws IOException {
        List<String> found = new ArrayList<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(one -> isClass(one.toString())).sorted().toList()) {
                try (InputStream bytes = Files.newInputStream(file)) {
                    look(ClassFile.read(bytes), found);
                }
            }
        }
        return found;
    }

    private static boolean isClass(String name) {
        return name.endsWith(".class") && !name.startsWith("META-INF/") && !name.endsWith("-info.class");
    }

    private static void look(ClassFile file, List<String> found) {
        boolean shaped = file.interfaces().stream().anyMatch(SHAPES::contains) || SHAPES.contains(file.superclass());
        if (file.concrete() && shaped) found.add(file.name());
    }
}
