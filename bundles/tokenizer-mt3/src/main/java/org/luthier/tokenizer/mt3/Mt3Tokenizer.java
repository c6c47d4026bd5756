package org.luthier.tokenizer.mt3;

import org.luthier.api.tokens.Tokenizer;
import org.osgi.service.component.annotations.Component;

/** Many instruments: velocity is on or off, a segment has 256 frames (2.048 s) and begins with the notes that still sound. 1391 ids. */
@Component(service = Tokenizer.class)
public final class Mt3Tokenizer extends SegmentTokenizer {
    public Mt3Tokenizer() {
        super(new EventCodec("mt3", 1, true), 256);
    }

    @Override
    public String description() {
        return "MT3, many instruments: 1391 ids, segments of 2.048 s with ties.";
    }
}
