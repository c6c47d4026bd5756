package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real checkpoints by command: converted, and compared with what they were, in as few words as possible. */
@Timeout(600)
class CheckpointFormsTest {
    private static final Path SHARED =
            Path.of(System.getProperty("luthier.root")).resolve("../shared").normalize();
    private static final Path MT3 = SHARED.resolve("checkpoints/mt3");
    private static final Path YOURMT3 = SHARED.resolve("reference/yourmt3/variants/ptf_multi/model.ckpt");

    @TempDir
    static Path home;

    private static Luthier luthier;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() throws Exception {
        luthier = Luthier.start(home);
    }

    @AfterAll
    static void stop() {
        luthier.close();
    }

    private Path convert(Path source, String name, Object... more) throws Exception {
        Path target = folder.resolve(name);
        Object[] words = new Object[4 + more.length];
        System.arraycopy(new Object[] {"checkpoint:convert", source, "-o", target}, 0, words, 0, 4);
        System.arraycopy(more, 0, words, 4, more.length);
        Words said = Words.of(luthier, words);
        assertEquals(0, said.code(), said.toString());
        return target;
    }

    private void assertSaid(int code, List<String> lines, Path one, Path other) throws Exception {
        Words said = Words.of(luthier, "checkpoint:diff", one, other);
        assertEquals(code, said.code(), said.toString());
        assertEquals(lines, said.out());
    }

    @Tag("full")
    @Test
    void formsOfMt3() throws Exception {
        Assumptions.assumeTrue(Files.isDirectory(MT3), "the checkpoint of MT3 is not here: " + MT3);
        List<String> equal = List.of("189 tensors, bit-equal");
        Path safetensors = convert(MT3, "a.safetensors");
        assertSaid(0, equal, MT3, safetensors);
        assertSaid(0, equal, MT3, convert(safetensors, "b.pth"));
        assertSaid(0, equal, MT3, convert(safetensors, "c"));
        assertSaid(3, rounded("F16"), MT3, convert(MT3, "d.pth", "--dtype", "f16"));
        assertSaid(3, rounded("BF16"), MT3, convert(MT3, "e.safetensors", "--dtype", "bf16"));
    }

    private static List<String> rounded(String type) {
        return List.of("189 tensors compared: 189 different", "each: B is A rounded to " + type);
    }

    @Test
    void lightningFileOfYourMt3() throws Exception {
        Assumptions.assumeTrue(Files.isRegularFile(YOURMT3), "no YourMT3+ here: " + YOURMT3);
        Words inspected = Words.of(luthier, "checkpoint:inspect", YOURMT3);
        assertEquals(0, inspected.code(), inspected.toString());
        assertTrue(inspected.out().contains("family    yourmt3"), inspected.toString());
        assertEquals(List.of(), inspected.complaints());
        // What only training needs is not compared.
        assertSaid(0, List.of("155 tensors, bit-equal"), YOURMT3, convert(YOURMT3, "x.safetensors"));
        assertSaid(0, List.of("155 tensors, bit-equal"), YOURMT3, convert(folder.resolve("x.safetensors"), "y.pth"));
    }
}
