package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Array;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.ServiceReference;

class FrameworkTest {
    /** Component configurations in these states do their work: satisfied (made when first used) and active. */
    private static final Set<Integer> GOOD = Set.of(4, 8);

    @TempDir
    static Path folder;

    private static Luthier luthier;

    @BeforeAll
    static void start() {
        luthier = Luthier.start(folder);
    }

    @AfterAll
    static void stop() {
        luthier.close();
    }

    @Test
    void everyBundleIsActive() {
        List<String> dead = new ArrayList<>();
        for (Bundle bundle : luthier.context().getBundles()) {
            if (bundle.getState() != Bundle.ACTIVE) {
                dead.add(bundle + " in state " + bundle.getState());
            }
        }
        assertEquals(List.of(), dead);
        assertTrue(luthier.context().getBundles().length > 20);
    }

    @Test
    void everyComponentIsSatisfied() throws Exception {
        ServiceReference<?> reference =
                luthier.context().getServiceReference("org.osgi.service.component.runtime.ServiceComponentRuntime");
        Object runtime = luthier.context().getService(reference);
        Class<?> type = reference.getBundle().loadClass("org.osgi.service.component.runtime.ServiceComponentRuntime");
        Class<?> description =
                reference.getBundle().loadClass("org.osgi.service.component.runtime.dto.ComponentDescriptionDTO");
        Object all = Array.newInstance(Bundle.class, 0);
        Collection<?> components = (Collection<?>)
                type.getMethod("getComponentDescriptionDTOs", Bundle[].class).invoke(runtime, all);
        List<String> bad = new ArrayList<>();
        for (Object component : components) {
            String name = (String) description.getField("name").get(component);
            Collection<?> configurations = (Collection<?>)
                    type.getMethod("getComponentConfigurationDTOs", description).invoke(runtime, component);
            for (Object configuration : configurations) {
                int state = configuration.getClass().getField("state").getInt(configuration);
                if (!GOOD.contains(state)) {
                    bad.add(name + " in state " + state + ", "
                            + configuration.getClass().getField("failure").get(configuration));
                }
            }
            if (configurations.isEmpty()) {
                bad.add(name + " has no configuration");
            }
        }
        assertEquals(List.of(), bad);
        assertTrue(components.size() > 10, components.size() + " components");
    }

    @Test
    void aCommandRunsAndItsNameIsFound() {
        assertTrue(luthier.output("env").contains("nd4j"));
        assertEquals(2, luthier.run("no-such-command"));
    }

    @Test
    void aTranscriptionIsTheSameEveryTime() throws Exception {
        Path audio = Luthier.LAYOUT.resolve("samples/bach-prelude.flac");
        Path first = folder.resolve("first.mid");
        Path second = folder.resolve("second.mid");
        assertEquals(0, luthier.run("transcribe", audio, "-o", first, "--threads", 1));
        assertEquals(0, luthier.run("transcribe", audio, "-o", second, "--threads", 2));
        assertEquals(-1, Files.mismatch(first, second), "one and two workers write the same bytes");
    }

    @Test
    void theShellFindsTheCommandsThatTheHelpNames() throws Exception {
        Set<String> shell = new TreeSet<>();
        for (ServiceReference<?> reference :
                luthier.context().getAllServiceReferences(null, "(osgi.command.function=*)")) {
            String scope = (String) reference.getProperty("osgi.command.scope");
            Object function = reference.getProperty("osgi.command.function");
            if (reference.getBundle().getSymbolicName().equals("org.luthier.shell")
                    && !String.valueOf(function).startsWith("_")) {
                shell.add(scope.equals("luthier") ? String.valueOf(function) : scope + ":" + function);
            }
        }
        // Of the shell alone: help of its commands, the word before them that examples begin with, what answers to
        // words that are no commands, what ends it, and Gogo's own in better words.
        shell.removeAll(Set.of("help", "luthier", "default", "exit", "quit", "head", "tail"));
        Set<String> help = new TreeSet<>();
        String text = Files.readString(Path.of(System.getProperty("luthier.root"))
                .resolve("runtime/launcher/src/main/resources/org/luthier/launcher/help.txt"));
        String commands = text.substring(text.indexOf("Commands"), text.indexOf("Options ("));
        Matcher names = Pattern.compile("(?m)^  ([a-z:-]+)  ").matcher(commands);
        while (names.find()) {
            help.add(names.group(1));
        }
        assertEquals(shell, help, "luthier --help, which starts no framework, lists what there is");
    }

    @Test
    void aShellSessionRunsCommands() throws Exception {
        ServiceReference<?> reference =
                luthier.context().getServiceReference("org.apache.felix.service.command.CommandProcessor");
        assertNotNull(reference, "Gogo is there");
        Object processor = luthier.context().getService(reference);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Class<?> processorType = reference.getBundle().loadClass("org.apache.felix.service.command.CommandProcessor");
        Class<?> sessionType = reference.getBundle().loadClass("org.apache.felix.service.command.CommandSession");
        Object session = processorType
                .getMethod("createSession", InputStream.class, OutputStream.class, OutputStream.class)
                .invoke(processor, new ByteArrayInputStream(new byte[0]), new PrintStream(out), new PrintStream(out));
        sessionType.getMethod("execute", CharSequence.class).invoke(session, "model:list");
        assertTrue(out.toString(StandardCharsets.UTF_8).contains("basic-pitch"), out.toString(StandardCharsets.UTF_8));
    }
}
