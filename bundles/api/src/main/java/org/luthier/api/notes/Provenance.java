package org.luthier.api.notes;

import java.util.List;
import java.util.Map;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.plugin.PartVersion;

/**
 * Everything a result depends on. It holds no date and no absolute path: the same input gives the same bytes.
 *
 * @param luthier version of Luthier
 * @param model id of the model and version of the bundle that ran it
 * @param checkpoint sha256 of the weights, in lower-case hexadecimal
 * @param tokenizer the tokenizer, or null for a frame model
 * @param decoder the decoder, or null for a frame model
 * @param assembler the note assembler
 * @param backend the ND4J backend, for example {@code "cpu"}
 * @param kernels id of the kernels
 * @param parameters every parameter of every part with its value; null stands for "not set"
 * @param audio what the audio file was
 * @param remarks what is worth knowing and nothing wrong, each one line
 * @param warnings what a user should know, each one line; empty if all is well
 */
public record Provenance(
        String luthier,
        PartVersion model,
        String checkpoint,
        PartVersion tokenizer,
        PartVersion decoder,
        PartVersion assembler,
        String backend,
        String kernels,
        Map<String, Object> parameters,
        AudioFacts audio,
        List<String> remarks,
        List<String> warnings) {}
