package org.luthier.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.files.Sha256;
import org.luthier.shell.internal.Captured;

/** The command that gets weights; what it calls is tested by the installer itself. */
class ModelInstallTest {
    private final Captured captured = new Captured();
    private Studio studio;
    private ModelInstall install;

    @BeforeEach
    void open(@TempDir Path folder) throws Exception {
        studio = new Studio(folder);
        install = new ModelInstall(studio.surroundings, studio.workbench);
    }

    @AfterEach
    void close() {
        studio.close();
    }

    private Path home() {
        return studio.folder.resolve("home/models/basic-pitch/toy.safetensors");
    }

    @Test
    void installsFromAFileAndSaysSoInOneLine() throws Exception {
        Path mine = studio.folder.resolve("mine.safetensors");
        Files.move(studio.folder.resolve("models/basic-pitch/toy.safetensors"), mine);
        assertEquals(0, studio.run(install, captured, "basic-pitch", "--from", "mine.safetensors"), captured.err());
        String facts = ": 1 arrays, " + Files.size(mine) + " bytes, sha256 " + Sha256.hex(mine) + "\n";
        assertEquals("basic-pitch is installed at " + home() + facts, captured.out());
        assertEquals(
                "the published weights of basic-pitch are other files; these were not compared with them\n",
                captured.err());
        assertEquals(-1, Files.mismatch(mine, home()));

        Captured again = new Captured();
        assertEquals(0, studio.run(install, again, "basic-pitch"), again.err());
        assertEquals("basic-pitch was installed before, at " + home() + facts, again.out());
    }

    @Test
    void weightsThatComeWithAModelNeedNoInstalling() {
        assertEquals(0, studio.run(install, captured, "basic-pitch"), captured.err());
        assertTrue(
                captured.out()
                        .startsWith("basic-pitch needs no installing, its weights come with it, at "
                                + studio.folder.resolve("models/basic-pitch/toy.safetensors") + ": 1 arrays, "),
                captured.out());
        assertFalse(Files.exists(studio.folder.resolve("home")));
    }

    @Test
    void saysInOneLineWhyNot() throws Exception {
        Files.delete(studio.folder.resolve("models/basic-pitch/toy.safetensors"));
        assertEquals(1, studio.run(install, captured, "basic-pitch", "--from", "no-such.safetensors"));
        assertTrue(
                captured.err().startsWith("luthier: ") && captured.err().contains("no-such.safetensors"),
                captured.err());
        assertEquals(1, captured.err().lines().count(), captured.err());
        assertEquals(1, studio.run(install, captured, "basic-pich"));
        assertTrue(captured.err().contains("no model 'basic-pich'"), captured.err());
        assertEquals(2, studio.run(install, captured));
        assertEquals("", captured.out());
        assertFalse(Files.exists(home()));
    }

    @Test
    void weightsOfAnotherModelAreToldWhoseTheyAre() throws Exception {
        Path other = Files.createDirectories(studio.folder.resolve("models/other"));
        Files.writeString(other.resolve("model.json"), """
                {"id": "other", "title": "Another", "family": "no-family", "assembler": "toy-notes",
                 "configuration": {}, "weights": "other.safetensors", "licence": "Apache-2.0", "sources": []}
                """);
        studio.parts.add(ModelFamily.class, new NoFamily(), "1.0.0", 0);
        assertEquals(
                1,
                studio.run(install, captured, "other", "--from", "models/basic-pitch/toy.safetensors"),
                captured.out());
        assertEquals(
                "luthier: toy.safetensors is no checkpoint of model other, but of basic-pitch;"
                        + " run model:install basic-pitch with it\n",
                captured.err());
    }

    /** Recognises nothing. */
    private static final class NoFamily implements ModelFamily {
        @Override
        public String id() {
            return "no-family";
        }

        @Override
        public String description() {
            return "nothing";
        }

        @Override
        public boolean recognises(Checkpoint checkpoint) {
            return false;
        }

        @Override
        public List<URL> nameRules() {
            return List.of();
        }

        @Override
        public Model load(ModelDefinition definition, Weights weights, Execution execution) {
            throw new AssertionError("it is only installed");
        }
    }
}
