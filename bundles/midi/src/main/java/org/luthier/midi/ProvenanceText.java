package org.luthier.midi;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.notes.Provenance;
import org.luthier.api.plugin.PartVersion;

/** A provenance as lines {@code key=value}, in a fixed order. */
final class ProvenanceText {
    private final List<String> lines = new ArrayList<>();

    private ProvenanceText() {}

    static List<String> lines(Provenance provenance) {
        ProvenanceText text = new ProvenanceText();
        text.add("luthier", provenance.luthier());
        text.add("model", provenance.model());
        text.add("checkpoint", provenance.checkpoint());
        text.add("tokenizer", provenance.tokenizer());
        text.add("decoder", provenance.decoder());
        text.add("assembler", provenance.assembler());
        text.add("backend", provenance.backend());
        text.add("kernels", provenance.kernels());
        for (Map.Entry<String, Object> parameter : provenance.parameters().entrySet()) {
            text.add("parameter." + parameter.getKey(), parameter.getValue() == null ? "unset" : parameter.getValue());
        }
        text.add(provenance.audio());
        provenance.remarks().forEach(remark -> text.add("remark", remark));
        provenance.warnings().forEach(warning -> text.add("warning", warning));
        return text.lines;
    }

    private void add(AudioFacts audio) {
        if (audio != null) {
            add("audio.file", audio.file());
            add("audio.format", audio.format());
            add("audio.rate", audio.sampleRate());
            add("audio.channels", audio.channels());
            add("audio.frames", audio.frames());
            add("audio.peak", audio.peak());
            add("audio.clipped", audio.clipped());
            add("audio.replaced", audio.replaced());
            add("audio.silent", audio.silent());
        }
    }

    private void add(String key, PartVersion part) {
        if (part != null) {
            add(key, part.id() + " " + part.version());
        }
    }

    /** A line is a line: a file's name may hold anything. */
    private void add(String key, Object value) {
        if (value != null) {
            lines.add(key + "=" + value.toString().replaceAll("\\p{Cntrl}", " "));
        }
    }
}
