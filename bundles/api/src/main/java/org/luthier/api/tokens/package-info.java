/** Vocabularies, events, tokenizers and grammars. Knows nothing of tensors. */
@Export
@Version("1.0.0")
package org.luthier.api.tokens;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
