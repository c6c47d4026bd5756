package org.luthier.framework;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.osgi.framework.Constants;

/** Makes other builds of the product's bundles: another version, and other code inside. */
final class Builds {
    private Builds() {}

    /**
     * Another build of a bundle, with the same symbolic name.
     *
     * @param artifact name of the bundle
     * @param version its version
     * @param says words of the bundle's code (a constant of a class)
     * @param instead words of the same length, which the new build says instead
     */
    static Path of(String artifact, String version, String says, String instead, Path target) throws IOException {
        if (says.length() != instead.length()) {
            throw new IllegalArgumentException(says + " and " + instead + " differ in length");
        }
        boolean changed = false;
        try (JarFile original = new JarFile(original(artifact).toFile())) {
            Manifest manifest = new Manifest(original.getManifest());
            manifest.getMainAttributes().putValue(Constants.BUNDLE_VERSION, version);
            try (JarOutputStream copy = new JarOutputStream(Files.newOutputStream(target), manifest)) {
                for (Enumeration<JarEntry> entries = original.entries(); entries.hasMoreElements(); ) {
                    JarEntry entry = entries.nextElement();
                    if (entry.isDirectory() || entry.getName().equals(JarFile.MANIFEST_NAME)) {
                        continue;
                    }
                    copy.putNextEntry(new JarEntry(entry.getName()));
                    try (InputStream in = original.getInputStream(entry)) {
                        // One byte a character, there and back.
                        String code = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
                        changed |= code.contains(says);
                        copy.write(code.replace(says, instead).getBytes(StandardCharsets.ISO_8859_1));
                    }
                }
            }
        }
        if (!changed) {
            throw new IllegalStateException(
                    artifact + " does not say '" + says + "' any more: change this test with it");
        }
        return target;
    }

    private static Path original(String artifact) throws IOException {
        try (Stream<Path> jars = Files.list(Luthier.LAYOUT.resolve("bundles"))) {
            return jars.filter(jar -> jar.getFileName().toString().startsWith(artifact + "-"))
                    .findFirst()
                    .orElseThrow();
        }
    }
}
