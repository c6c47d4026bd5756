package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Constants;

/** The features name what is there, and what is there is named. */
class FeaturesTest {
    private static Set<String> named(Path feature) throws IOException {
        // Feature files may have comments, which plain JSON readers refuse.
        String text = Files.readString(feature).replaceAll("(?m)^\\s*//.*$", "");
        JsonObject object = Json.createReader(new StringReader(text)).readObject();
        return object.getJsonArray("bundles").getValuesAs(JsonObject.class).stream()
                .map(bundle -> bundle.getString("id").split(":"))
                .map(id -> id[1] + "-" + id[2] + ".jar")
                .collect(Collectors.toSet());
    }

    @Test
    void everyJarIsNamedAndEveryNameIsAJar() throws Exception {
        Set<String> named = new TreeSet<>();
        try (Stream<Path> features = Files.list(Luthier.LAYOUT.resolve("features"))) {
            for (Path feature : features.toList()) {
                assertFalse(
                        Files.readString(feature).contains("${"),
                        feature + " has a version that the build did not know");
                named.addAll(named(feature));
            }
        }
        try (Stream<Path> jars = Files.list(Luthier.LAYOUT.resolve("bundles"))) {
            assertEquals(
                    named,
                    jars.map(jar -> jar.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new)));
        }
    }

    /** A bundle that exports a package imports it too, and a newer build of it would be given the old one's classes. */
    @Test
    void swappableBundlesExportNothing() throws Exception {
        for (String name : named(Luthier.LAYOUT.resolve("features/models.json"))) {
            try (JarFile jar =
                    new JarFile(Luthier.LAYOUT.resolve("bundles").resolve(name).toFile())) {
                assertNull(jar.getManifest().getMainAttributes().getValue(Constants.EXPORT_PACKAGE), name);
            }
        }
    }

    @Test
    void thereIsOneJavaCppAndNoBundleOnTheClassPath() throws Exception {
        List<String> lib = List.of(Files.readString(Luthier.LAYOUT.resolve("lib/class-path.txt"))
                .strip()
                .split(":"));
        assertEquals(
                1,
                lib.stream()
                        .filter(jar -> jar.matches("lib/javacpp-[0-9.]+\\.jar"))
                        .count());
        assertEquals(
                List.of("lib/org.luthier.launcher"),
                lib.stream()
                        .filter(jar -> jar.startsWith("lib/org.luthier."))
                        .map(jar -> jar.replaceAll("-[0-9].*", ""))
                        .toList());
    }
}
