package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.checkpoint.Checkpoint;

/** The same tensors in every form, written by the libraries that define these ({@code forms/make_files.py}). */
class FormsTest {
    @ParameterizedTest
    @CsvSource({
        "sharded, safetensors-index",
        "sharded/model.safetensors.index.json, safetensors-index",
        "stored.npz, npz",
        "deflated.npz, npz",
        "t5x, t5x",
        "t5x/checkpoint, t5x",
        "tfjs, tfjs",
        "tfjs/model.json, tfjs",
    })
    void theSameInEveryForm(String name, String format) throws URISyntaxException {
        try (Checkpoint whole = open("whole.safetensors");
                Checkpoint checkpoint = open(name)) {
            assertEquals(format, checkpoint.format());
            assertEquals(
                    Set.copyOf(whole.tensors().values()),
                    Set.copyOf(checkpoint.tensors().values()));
            for (String tensor : whole.tensors().keySet()) {
                assertEquals(whole.read(tensor), checkpoint.read(tensor), tensor);
            }
        }
    }

    @Test
    void anArrayAlone() throws URISyntaxException {
        try (Checkpoint whole = open("whole.safetensors");
                Checkpoint array = open("kernel.npy")) {
            assertEquals(whole.read("layer.kernel"), array.read(NpyFormat.ARRAY));
        }
    }

    private static Checkpoint open(String name) throws URISyntaxException {
        return Checkpoints.builtIn()
                .open(Path.of(FormsTest.class.getResource("forms/" + name).toURI()));
    }
}
