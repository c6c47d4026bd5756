package org.luthier.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.luthier.api.LuthierException;
import org.luthier.shell.internal.Captured;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.PartInfo;
import org.luthier.workbench.Plugins;

class PluginCommandsTest {
    private static final Surroundings NOTHING = name -> null;

    private final Captured captured = new Captured();
    private final List<String> asked = new ArrayList<>();

    private final Plugins plugins = new Plugins() {
        @Override
        public List<Plugin> list() {
            return List.of(
                    new Plugin(
                            new PartInfo("NoteAssembler", "notes", "Makes notes.", "1.1.0", 5, true, 1, false),
                            "org.b"),
                    new Plugin(
                            new PartInfo("NoteAssembler", "notes", "Makes notes.", "1.0.0", 0, false, 2, true),
                            "org.a"));
        }

        @Override
        public String install(Path jar) {
            asked.add("install " + jar);
            return "installed";
        }

        @Override
        public String swap(String id, Path jar) {
            asked.add("swap " + id + " " + jar);
            return "swapped";
        }

        @Override
        public String remove(String id) {
            throw new LuthierException("no plug-in has a part '" + id + "'");
        }
    };

    private int run(ShellCommand<?> command, String... arguments) {
        return command.execute(List.of(arguments), captured.console());
    }

    @Test
    void listsWhoUsesWhat() {
        assertEquals(0, run(new PluginList(NOTHING, plugins)));
        String[] lines = captured.out().split("\n");
        assertTrue(
                lines[1].matches("NoteAssembler +notes +1.1.0 +5 +chosen, 1 job +org.b +Makes notes."), captured.out());
        assertTrue(
                lines[2].matches("NoteAssembler +notes +1.0.0 +0 +leaving, 2 jobs +org.a +Makes notes."),
                captured.out());
    }

    @Test
    void handsOnWhatWasAsked() {
        assertEquals(0, run(new PluginInstall(NOTHING, plugins), "a b.jar"));
        assertEquals(0, run(new PluginSwap(NOTHING, plugins), "notes", "c.jar"));
        assertEquals(1, run(new PluginRemove(NOTHING, plugins), "other"));
        assertEquals(List.of("install a b.jar", "swap notes c.jar"), asked);
        assertEquals("installed\nswapped\n", captured.out());
        assertEquals("luthier: no plug-in has a part 'other'\n", captured.err());
    }

    @Test
    void needsAllItsArguments() {
        assertEquals(2, run(new PluginSwap(NOTHING, plugins), "notes"));
        assertTrue(captured.err().contains("JAR"), captured.err());
        assertEquals(2, run(new PluginInstall(NOTHING, plugins)));
        assertEquals(2, run(new PluginRemove(NOTHING, plugins), "a", "b"));
        assertEquals(List.of(), asked);
    }
}
