package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** YourMT3+ by command: checkpoints that no model of the catalogue fits, and what PyTorch recorded of them. */
@Timeout(300)
class YourMt3CommandTest {
    private static final Path VARIANTS =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/yourmt3/variants");

    @TempDir
    static Path home;

    private static Luthier luthier;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() {
        luthier = Luthier.start(home);
    }

    @AfterAll
    static void stop() {
        luthier.close();
    }

    private Path traced(String variant) {
        Assumptions.assumeTrue(Files.isDirectory(VARIANTS), "no reference of YourMT3+ beside the working copy");
        Path trace = folder.resolve(variant);
        Words words = Words.of(
                luthier,
                "layer:trace",
                "--checkpoint",
                VARIANTS.resolve(variant).resolve("model.ckpt"),
                "--input",
                golden(variant),
                "-o",
                trace);
        assertEquals(0, words.code(), words.toString());
        return trace;
    }

    private static Path golden(String variant) {
        return VARIANTS.resolve(variant).resolve("golden.safetensors");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "conformer_relative",
                "conformer_rotary",
                "moe_rope_multi",
                "ptf_multi",
                "ptf_opts_alibi_6heads",
                "ptf_opts_alibit_gmlp_rms",
                "ptf_opts_kdt_mlpproj",
                "ptf_opts_rope_keys_hftt",
                "ptf_opts_tk_res3bhftt_conv",
                "ptf_single",
                "t5_relpos_moe",
                "ymt3plus_t5"
            })
    void aTraceOfTheGoldenIsClean(String variant) {
        Words words = Words.of(luthier, "layer:diff", traced(variant), golden(variant));
        assertEquals(0, words.code(), words.toString());
        assertTrue(words.out().stream().anyMatch(line -> line.contains(" decoder.tokens ")), words.toString());
        String last = words.out().get(words.out().size() - 1);
        assertTrue(last.startsWith("clean: "), words.toString());
    }

    @Test
    void aTraceOfAnotherModelIsNot() {
        Words words = Words.of(luthier, "layer:diff", traced("conformer_rotary"), golden("conformer_relative"));
        assertEquals(3, words.code(), words.toString());
    }
}
