package org.luthier.framework;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Reader;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.luthier.launcher.Folders;
import org.luthier.launcher.Launcher;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.wiring.BundleWiring;

/** The product as it was laid out, running in this Java machine. The tests see no class of a bundle, only services by reflection. */
final class Luthier implements AutoCloseable {
    /** What the assembly laid out. */
    static final Path LAYOUT = Path.of(System.getProperty("luthier.layout")).normalize();

    private final Launcher launcher;
    private final Path home;

    private Luthier(Launcher launcher, Path home) {
        this.launcher = launcher;
        this.home = home;
    }

    /** Starts it with a plug-ins folder that is watched.
     *
     * @param folder home and cache are made in it */
    static Luthier start(Path folder) {
        if (!Files.isRegularFile(LAYOUT.resolve("layout.properties"))) {
            throw new IllegalStateException(
                    "there is no " + LAYOUT + ": these tests run in mvn verify, after the assembly");
        }
        Path home = folder.resolve("home");
        Folders folders = new Folders(LAYOUT, home, folder.resolve("cache"));
        return new Luthier(Launcher.start(folders, Launcher.Mode.SESSION, Map.of()), home);
    }

    BundleContext context() {
        return launcher.context();
    }

    Path plugins() {
        return home.resolve("plugins");
    }

    /** Runs a command on this thread. */
    int run(Object... words) {
        return launcher.run(Arrays.stream(words).map(String::valueOf).toArray(String[]::new));
    }

    /** What a command prints. Nothing else may run meanwhile. */
    String output(Object... words) {
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            int code = run(words);
            if (code != 0) {
                throw new IllegalStateException(List.of(words) + " ended with " + code);
            }
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    /** Notes and provenance of a transcription. */
    static JsonObject json(Path notes) throws IOException {
        try (Reader text = Files.newBufferedReader(notes);
                JsonReader reader = Json.createReader(text)) {
            return reader.readObject();
        }
    }

    /** The bundle of a name that is not leaving, the newest one if there are several. */
    Bundle bundle(String name) {
        return Stream.of(context().getBundles())
                .filter(bundle -> bundle.getSymbolicName().equals(name) && bundle.getState() == Bundle.ACTIVE)
                .reduce((one, other) -> other)
                .orElseThrow(() -> new AssertionError("no active bundle " + name));
    }

    /** The class loaders of the bundles of a name as of now, without holding them. */
    Map<String, WeakReference<ClassLoader>> classLoaders(String name) {
        Map<String, WeakReference<ClassLoader>> loaders = new HashMap<>();
        for (Bundle bundle : context().getBundles()) {
            BundleWiring wiring = bundle.adapt(BundleWiring.class);
            if (bundle.getSymbolicName().equals(name) && wiring != null) {
                loaders.put(
                        bundle.getBundleId() + " " + bundle.getVersion(), new WeakReference<>(wiring.getClassLoader()));
            }
        }
        return loaders;
    }

    @Override
    public void close() {
        launcher.close();
    }
}
