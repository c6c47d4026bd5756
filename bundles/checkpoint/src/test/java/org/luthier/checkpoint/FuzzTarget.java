package org.luthier.checkpoint;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What the coverage-guided fuzzer calls, see {@link LongFuzzTest}. */
public final class FuzzTarget {
    private static FuzzedReader reader;

    private FuzzTarget() {}

    /** @param arguments the reader's name */
    public static void fuzzerInitialize(String[] arguments) throws IOException, URISyntaxException {
        // Jazzer works on each class when it is loaded, which would count as the case's own work.
        Path classes = Path.of(NameRules.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        try (Stream<Path> files = Files.walk(classes)) {
            for (Path file :
                    (Iterable<Path>) files.filter(each -> each.toString().endsWith(".class"))::iterator) {
                String name = classes.relativize(file).toString().replace(File.separatorChar, '.');
                if (!name.endsWith("-info.class")) {
                    load(name.substring(0, name.length() - ".class".length()));
                }
            }
        }
        // Jazzer watches every look into a map and every comparison of texts.
        FuzzedReader.slack = 8;
        reader = FuzzedReader.valueOf(arguments[0]);
        reader.seeds();
    }

    private static void load(String name) {
        try {
            Class.forName(name);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }

    /** @param input files as {@link FuzzedReader#join} puts them together */
    public static void fuzzerTestOneInput(byte[] input) {
        reader.read(reader.split(input));
    }
}
