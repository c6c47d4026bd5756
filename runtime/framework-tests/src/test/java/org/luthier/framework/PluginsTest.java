package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.Bundle;
import org.osgi.framework.ServiceReference;

/** What plug-ins may come, and what stays as it was when one may not. */
@Timeout(120)
class PluginsTest {
    private static final String ASSEMBLER = "org.luthier.assembler-basicpitch";

    @TempDir
    Path folder;

    private Luthier luthier;

    @BeforeEach
    void start() {
        luthier = Luthier.start(folder);
    }

    @AfterEach
    void stop() {
        luthier.close();
    }

    private Path assembler(String version) throws IOException {
        return Builds.of(
                ASSEMBLER,
                version,
                "Note creation of Basic Pitch",
                "Second build of Basic Pitch!",
                folder.resolve("assembler-" + version + ".jar"));
    }

    private Object call(String method, Object... arguments) {
        ServiceReference<?> reference = luthier.context().getServiceReference("org.luthier.workbench.Plugins");
        Object plugins = luthier.context().getService(reference);
        Class<?>[] types = Stream.of(arguments)
                .map(argument -> argument instanceof Path ? Path.class : String.class)
                .toArray(Class<?>[]::new);
        try {
            return reference
                    .getBundle()
                    .loadClass("org.luthier.workbench.Plugins")
                    .getMethod(method, types)
                    .invoke(plugins, arguments);
        } catch (InvocationTargetException e) {
            throw (RuntimeException) e.getCause();
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private String refused(String method, Object... arguments) {
        List<String> bundles = bundles();
        List<String> files = files();
        RuntimeException e = assertThrows(RuntimeException.class, () -> call(method, arguments));
        assertEquals("LuthierException", e.getClass().getSimpleName());
        assertEquals(1, e.getMessage().lines().count());
        assertEquals(bundles, bundles(), "nothing has changed");
        assertEquals(files, files(), "nothing is kept");
        return e.getMessage();
    }

    private List<String> bundles() {
        return Stream.of(luthier.context().getBundles())
                .map(bundle -> bundle.getBundleId() + " " + bundle.getSymbolicName() + " " + bundle.getVersion() + " "
                        + bundle.getState())
                .toList();
    }

    private List<String> files() {
        try (Stream<Path> files = Files.list(luthier.plugins())) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Writes a jar with a manifest and nothing else. */
    private Path jar(String... headers) throws IOException {
        Manifest manifest = new Manifest();
        Attributes attributes = manifest.getMainAttributes();
        attributes.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        for (String header : headers) {
            String[] parts = header.split(": ", 2);
            attributes.putValue(parts[0], parts[1]);
        }
        Path jar = folder.resolve("made.jar");
        new JarOutputStream(Files.newOutputStream(jar), manifest).close();
        return jar;
    }

    @Test
    void aPluginIsKeptAndComesBackInTheNextProcess() throws IOException {
        Object said = call("swap", "basic-pitch-notes", assembler("0.0.1"));
        assertEquals(
                "basic-pitch-notes now comes from " + ASSEMBLER + " 0.0.1, in place of " + ASSEMBLER
                        + " 0.1.0.SNAPSHOT",
                said);
        assertEquals(List.of(ASSEMBLER + ".jar"), files());
        luthier.close();
        luthier = Luthier.start(folder);
        String chosen = "basic-pitch-notes, version=0.0.1";
        assertTrue(
                call("list").toString().replaceAll("description=[^=]*, ", "").contains("id=" + chosen),
                call("list").toString());
        assertTrue(call("remove", "basic-pitch-notes").toString().startsWith("removed " + ASSEMBLER + " 0.0.1"));
        assertEquals(List.of(), files());
        assertTrue(refused("remove", "basic-pitch-notes").contains("comes with Luthier"));
        assertEquals(
                "no plug-in has a part 'nothing'; there are none, all parts come with Luthier",
                refused("remove", "nothing"));
        assertTrue(refused("install", folder).endsWith(": it is a folder, expected the jar of an OSGi bundle"));
    }

    @Test
    void whatASwapHasReplacedIsBackWhenThePluginIsRemoved() throws IOException {
        call("swap", "basic-pitch-notes", assembler("7.0.0"));
        call("swap", "basic-pitch-notes", assembler("7.0.1"));
        assertEquals(List.of("7.0.1"), versions(ASSEMBLER));
        assertEquals(
                "removed " + ASSEMBLER + " 7.0.1 with basic-pitch-notes; back again: " + ASSEMBLER + " 0.1.0.SNAPSHOT",
                call("remove", "basic-pitch-notes"));
        assertEquals(List.of("0.1.0.SNAPSHOT"), versions(ASSEMBLER));
        Path audio = Sounds.arpeggio(3, folder.resolve("short.wav"));
        assertEquals(0, luthier.run("transcribe", audio, "--quiet"));
        call("swap", "basic-pitch-notes", assembler("7.0.2"));
        assertEquals(List.of("7.0.2"), versions(ASSEMBLER));
    }

    @Test
    void whatASwapHasReplacedIsBackWhenTheFileIsDeleted() throws Exception {
        Path dropped = luthier.plugins().resolve("dropped.jar");
        Files.move(assembler("7.0.0"), dropped, StandardCopyOption.ATOMIC_MOVE);
        await(List.of("0.1.0.SNAPSHOT", "7.0.0"));
        call("swap", "basic-pitch-notes", dropped);
        assertEquals(List.of("7.0.0"), versions(ASSEMBLER));
        Files.delete(dropped);
        await(List.of("0.1.0.SNAPSHOT"));
    }

    @Test
    void whatTheWorkbenchNeedsIsNoPlugin() throws IOException {
        Path other = Builds.of(
                "org.luthier.checkpoint",
                "7.0.0",
                "numpy arrays (.npy)",
                "NUMPY ARRAYS (.NPY)",
                folder.resolve("other.jar"));
        assertTrue(refused("swap", "npy", other).contains("which the workbench needs"));
        assertTrue(refused("swap", "json", original("org.luthier.workbench")).contains("which the workbench needs"));
    }

    private void await(List<String> versions) throws InterruptedException {
        while (!versions(ASSEMBLER).equals(versions)) {
            Thread.sleep(20);
        }
    }

    private List<String> versions(String name) {
        return Stream.of(luthier.context().getBundles())
                .filter(bundle -> bundle.getSymbolicName().equals(name))
                .map(bundle -> bundle.getVersion().toString())
                .sorted()
                .toList();
    }

    @Test
    void theSamePluginAgainReplacesItself() throws IOException {
        call("install", assembler("7.0.0"));
        call("install", assembler("7.0.1"));
        assertEquals(List.of(ASSEMBLER + ".jar"), files());
        assertEquals(List.of("0.1.0.SNAPSHOT", "7.0.1"), versions(ASSEMBLER));
    }

    @ParameterizedTest
    @ValueSource(strings = {"install", "swap"})
    void whatIsNoPluginIsRefused(String method) throws IOException {
        Path text = Files.writeString(folder.resolve("text.jar"), "no jar");
        assertTrue(refuse(method, text).contains("no readable jar"));
        assertTrue(refuse(method, folder.resolve("missing.jar")).contains("there is no such file"));
        assertTrue(refuse(method, jar()).contains("no Bundle-SymbolicName"));
        assertTrue(refuse(method, jar("Bundle-ManifestVersion: 2", "Bundle-SymbolicName: example"))
                .contains("no components"));
        String unresolved = refuse(
                method,
                jar("Bundle-ManifestVersion: 2", "Bundle-SymbolicName: example", "Import-Package: org.nowhere"));
        assertTrue(unresolved.contains("org.nowhere"), unresolved);
    }

    private String refuse(String method, Path jar) {
        return method.equals("swap") ? refused(method, "basic-pitch-notes", jar) : refused(method, jar);
    }

    @Test
    void aSwapNeedsThePart() throws IOException {
        assertTrue(refused("swap", "nothing", assembler("7.0.0")).startsWith("no part 'nothing'; there are: "));
        assertTrue(refused("swap", "basic-pitch", assembler("7.0.0"))
                .contains("has no part 'basic-pitch', it has basic-pitch-notes; nothing was changed"));
    }

    @Test
    void updatingNnRestartsTheModelsAndSaysSo() throws IOException {
        Bundle nn = luthier.bundle("org.luthier.nn");
        Path other = Builds.of("org.luthier.nn", "0.1.1", "no kernels '", "NO KERNELS '", folder.resolve("nn.jar"));
        String said = call("install", other).toString();
        assertTrue(
                said.startsWith("updated org.luthier.nn 0.1.0.SNAPSHOT to org.luthier.nn 0.1.1, which restarts "),
                said);
        assertTrue(said.contains("org.luthier.model-basicpitch"), said);
        assertEquals("0.1.1", nn.getVersion().toString());
        assertEquals(
                Bundle.ACTIVE, luthier.bundle("org.luthier.model-basicpitch").getState());
        Path audio = Sounds.arpeggio(3, folder.resolve("short.wav"));
        assertEquals(0, luthier.run("transcribe", audio, "--quiet"));
        luthier.close();
        luthier = Luthier.start(folder);
        assertEquals("0.1.1", luthier.bundle("org.luthier.nn").getVersion().toString());
        assertEquals(0, luthier.run("transcribe", audio, "--quiet", "--force"));
        assertFalse(refused("install", original("org.luthier.workbench")).isEmpty());
    }

    private static Path original(String artifact) throws IOException {
        try (Stream<Path> jars = Files.list(Luthier.LAYOUT.resolve("bundles"))) {
            return jars.filter(jar -> jar.getFileName().toString().startsWith(artifact + "-"))
                    .findFirst()
                    .orElseThrow();
        }
    }
}
