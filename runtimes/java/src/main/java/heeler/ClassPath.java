package heeler;

import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Where the function's classes are: the file that heeler found, and what FUNCTION_CLASSPATH lists. */
final class ClassPath {
    final List<Path> places;

    ClassPath(String file, String listed) throws NotLoaded {
        Set<Path> found = new LinkedHashSet<>();
        if (listed != null && !listed.isEmpty()) {
            for (String entry : listed.split(File.pathSeparator)) found.addAll(expand(entry));
        }
        if (file != null) {
            Path given = Path.of(file);
            if (!Files.exists(given)) throw new NotLoaded(file + " is not there");
            if (found.stream().noneMatch(one -> same(one, given))) found.add(given);
        }
        if (found.isEmpty()) throw new NotLoaded("no jar: name one after heeler.jar, or in FUNCTION_CLASSPATH");
        places = List.copyOf(found);
    }

    private static boolean same(Path one, Path other) {
        return one.toAbsolutePath().normalize().equals(other.toAbsolutePath().normalize());
    }

    /** `folder/*` is every jar in it. */
    private static List<Path> expand(String entry) throws NotLoaded {
        if (!entry.endsWith(File.separator + "*")) return List.of(Path.of(entry));
        Path folder = Path.of(entry.substring(0, entry.length() - 2));
        if (!Files.isDirectory(folder)) return List.of();
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().endsWith(".jar")).sorted().toList();
        } catch (IOException unreadable) {
            throw new NotLoaded("FUNCTION_CLASSPATH: " + folder + " cannot be read", unreadable);
        }
    }

    URL[] urls() throws NotLoaded {
        List<URL> urls = new ArrayList<>();
        try {
            for (Path place : places) urls.add(place.toUri().toURL());
        } catch (MalformedURLException wrong) {
            throw new NotLoaded("a class path that cannot be read: " + places, wrong);
        }
        return urls.toArray(URL[]::new);
    }

    @Override
    public String toString() {
        return String.join(File.pathSeparator, places.stream().map(Path::toString).toList());
    }
}
